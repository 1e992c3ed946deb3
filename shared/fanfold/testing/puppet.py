"""A flow whose record scripts its fate: one flow to test everything with.

    {"do": "ok"}                                 returns "ok"
    {"do": "return", "value": …}                 returns the value
    {"do": "error", "message": …}                raises ValueError
    {"do": "flaky", "until": 3}                  raises RuntimeError before attempt 3, then "ok"
    {"do": "permanent" | "fatal" | "retryable"}  raises that; "message", and "after" for retryable
    {"do": "rate-limited", "times": 2, "after": 0.01}
                                                 raises RateLimited twice in this process, then "ok"
    {"do": "sleep", "seconds": 1}                sleeps, deaf to being told to stop; then "ok"
    {"do": "cancelable", "seconds": 60}          the same, but stops when it is told to
    {"do": "asleep", "seconds": 60}              the same; `async_puppet` awaits in all three
    {"do": "hang", "gate": path}                 until there is a file at the path, or for ever;
                                                 deaf even to an async cancellation
    {"do": "kill"}                               its process dies of SIGKILL
    {"do": "exit", "code": 3}                    its process exits, at once
    {"do": "unserialisable"}                     returns what JSON cannot hold
    {"do": "big", "size": 300000}                returns that many characters
    {"do": "log", "messages": ["a", "b"]}        logs them; then "ok"
    {"do": "trace"}                              returns whose work it is (fanfold.trace)

Any other record is echoed, so `puppet` also runs what was not written for it; a script with a fate
that is not listed fails for good. With "log": path, beside any fate, each execution appends two
lines to that file, `index attempt pid start` and `index attempt pid end`, the second one however it
ended unless its process died. `marks` reads them: what has really been executed, in every process,
retried and repeated.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from fanfold import Context, Fatal, Permanent, RateLimited, Retryable, flow, trace

_POLL = 0.005
_rate_limited: Counter[tuple[str, int]] = Counter()
_counting = Lock()


@dataclass(frozen=True, slots=True)
class Mark:
    index: int
    attempt: int
    pid: int
    #: "start" or "end"
    what: str


def marks(path: str | os.PathLike[str]) -> list[Mark]:
    """What the executions of a puppet wrote to its log, in order; none when nothing ran."""
    try:
        lines = Path(path).read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        return []
    found = []
    for line in lines:
        index, attempt, pid, what = line.split()
        found.append(Mark(int(index), int(attempt), int(pid), what))
    return found


@flow(id="puppet", version="1", retries=2, backoff=0.001, timeout=60)
def puppet(record: Any, ctx: Context) -> Any:
    """Does what its record says."""
    with _marked(record, ctx):
        match record:
            case {"do": "sleep", "seconds": seconds}:
                time.sleep(seconds)
            case {"do": "cancelable" | "asleep", "seconds": seconds}:
                ctx.sleep(seconds)
            case {"do": "hang"}:
                while not _is_open(record):
                    time.sleep(_POLL)
            case _:
                return _scripted(record, ctx)
        return "ok"


@flow(id="parameters", version="1")
def parameters(record: Any, ctx: Context) -> Any:  # noqa: ARG001  a flow is given its record
    """What it was given beside its record."""
    return ctx.parameters


@flow(id="async_puppet", version="1", retries=2, backoff=0.001, timeout=60)
async def async_puppet(record: Any, ctx: Context) -> Any:
    """Does what its record says, and waits without holding a thread."""
    with _marked(record, ctx):
        match record:
            case {"do": "sleep" | "cancelable" | "asleep", "seconds": seconds}:
                await asyncio.sleep(seconds)
            case {"do": "hang"}:
                while not _is_open(record):
                    with suppress(asyncio.CancelledError):
                        await asyncio.sleep(_POLL)
            case _:
                return _scripted(record, ctx)
        return "ok"


def _scripted(record: Any, ctx: Context) -> Any:
    """The fates that take no time."""
    match record:
        case {"do": "ok" | "trace" as what}:
            return trace.current() if what == "trace" else "ok"
        case {"do": "return", "value": value}:
            return value
        case {"do": "flaky", "until": attempt}:
            if ctx.attempt < attempt:
                raise RuntimeError(f"not before attempt {attempt}")
            return "ok"
        case {"do": "unserialisable"}:
            return {"fine": 1, "broken": [object()]}
        case {"do": "big"}:
            return "x" * record.get("size", 300_000)
        case {"do": "log"}:
            for message in record.get("messages", ["hello"]):
                ctx.log(message)
            return "ok"
        case {"do": str(fate)}:
            return _raised(fate, record, ctx)
        case _:
            return record


def _raised(fate: str, record: dict[str, Any], ctx: Context) -> str:
    message = record.get("message", f"scripted {fate}")
    match fate:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
            signal.pause()  # until the signal arrives
        case "exit":
            os._exit(record.get("code", 3))
        case "error":
            raise ValueError(message)
        case "retryable":
            raise Retryable(message, after=record.get("after"))
        case "permanent":
            raise Permanent(message)
        case "fatal":
            raise Fatal(message)
        case "rate-limited":
            # being rate limited burns no attempt, so the context cannot tell how often it was
            with _counting:
                told = _rate_limited[ctx.batch_id, ctx.index]
                _rate_limited[ctx.batch_id, ctx.index] += 1
            if told < record.get("times", 1):
                raise RateLimited(message, retry_after=record.get("after", 0.001))
        case _:
            raise Permanent(f"a puppet knows no fate {fate!r}, or misses a part of it")
    return "ok"


@contextmanager
def _marked(record: Any, ctx: Context) -> Iterator[None]:
    path = record.get("log") if isinstance(record, dict) else None
    if path is None:
        yield
        return
    _mark(path, ctx, "start")
    try:
        yield
    finally:
        _mark(path, ctx, "end")


def _mark(path: str, ctx: Context, what: str) -> None:
    line = f"{ctx.index} {ctx.attempt} {os.getpid()} {what}\n".encode("ascii")
    # one write in append mode: lines of many processes do not get into each other
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, line)
    finally:
        os.close(file)


def _is_open(record: dict[str, Any]) -> bool:
    gate = record.get("gate")
    return gate is not None and Path(gate).exists()
