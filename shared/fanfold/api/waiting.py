"""Long polls: an answer that waits until there is something to tell."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Annotated

from fastapi import Query, Request
from starlette.concurrency import run_in_threadpool

Seconds = Annotated[
    float, Query(alias="timeout", ge=0, le=60, description="seconds that it may take at most")
]
#: between two looks: soon at first, for much ends soon
_FIRST_SECONDS, _MOST_SECONDS = 0.05, 1.0


async def until(request: Request, seconds: float, holds: Callable[[], bool]) -> None:
    """Returns when it holds, when the time is over, or when nobody listens any more. No thread is
    held between two looks."""
    end, pause = time.monotonic() + seconds, _FIRST_SECONDS
    while not await run_in_threadpool(holds):
        left = end - time.monotonic()
        if left <= 0 or await request.is_disconnected():
            return
        await asyncio.sleep(min(pause, left))
        pause = min(2 * pause, _MOST_SECONDS)
