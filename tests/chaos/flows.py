"""Flows the crash tests run."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fanfold import Context, Fatal, Permanent, Result, flow


def count_ok(results: Iterable[Result]) -> int:
    return sum(result.ok for result in results)


@flow(retries=0, fold=count_ok)
def counted(record: dict[str, Any], ctx: Context) -> int:
    """Echoes n; a record may ask to fail until the flow is mended, to be noted in a file, to wait
    until there is one, or to kill its process."""
    while "gate" in record and not Path(record["gate"]).exists():
        time.sleep(0.01)
    if "note" in record:
        with Path(record["note"]).open("a") as file:
            file.write(f"{ctx.index}\n")
    if record.get("kill"):
        os.kill(os.getpid(), signal.SIGKILL)
    if record.get("fail") and not ctx.parameters.get("mended"):
        raise Permanent(f"record {ctx.index} was told to")
    return int(record.get("n", ctx.index))


@flow
def short(record: dict[str, Any]) -> int:
    """Somebody else's work: 20,000 of these on 24 threads take five seconds on any machine."""
    time.sleep(0.006)
    return int(record["n"])


@flow(retries=0)
def fatal_at(record: dict[str, Any]) -> int:
    if record.get("fatal"):
        raise Fatal("the account is closed")
    time.sleep(record.get("seconds", 0))
    return 1


@flow(retries=3, backoff=100.0, backoff_cap=100.0)
def waits_long(record: dict[str, Any], ctx: Context) -> int:
    """Fails once with a wait too long to be spent in the process."""
    if ctx.attempt == 1:
        from fanfold import Retryable

        raise Retryable("not yet", after=record["after"])
    return ctx.attempt


@flow(retries=0, timeout=120)
def long(record: dict[str, Any]) -> int:
    """Notes when it begins, and takes its time."""
    with Path(record["note"]).open("a") as file:
        file.write("x")
    time.sleep(record["seconds"])
    return 1


@flow(retries=0)
def noted(record: dict[str, Any]) -> int:
    """Its one side effect is a line in a file; one append is atomic, from any process."""
    file = os.open(record["note"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, b"%d\n" % record["n"])
    os.close(file)
    time.sleep(0.004)
    if record["fail"]:
        raise Permanent("it was told to")
    return 1
