"""Flows that do not run in a lane like others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fanfold import Context, flow


@flow(isolation="process")
def isolated(record: Any) -> Any:
    return record


@flow(retries=3, backoff=0.001)
def second_time(record: dict[str, Any], ctx: Context) -> None:
    """Succeeds with its second attempt, and notes each; the first is long enough for a lease."""
    with Path(record["log"]).open("a") as file:
        file.write(f"{ctx.index} {ctx.attempt}\n")
    if ctx.attempt < 2:
        ctx.sleep(0.7)
        raise ValueError


@flow(exclusive=True)
def exclusive(record: Any) -> Any:
    return record
