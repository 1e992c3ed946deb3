"""Until something has ended: by long polls, so that nobody asks in vain and nobody learns late."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar
from urllib.parse import quote

from fanfold.client.calls import Call, Operation
from fanfold.client.errors import TimedOut
from fanfold.client.patience import Patience
from fanfold.client.shapes import Batch, Run

#: that one long poll takes at most; with progress to be told, less
_POLL_SECONDS, _TELL_SECONDS = 30.0, 1.0
#: between two looks at many runs, if the first of them does not end before
_LOOK_SECONDS = 1.0
It = TypeVar("It", Batch, Run)


def wait(
    patience: Patience,
    path: str,
    shape: type[It],
    timeout: float | None,
    on_progress: Callable[[It], None] | None,
    has_come: Callable[[It], bool],
) -> Operation[It]:
    """Raises TimedOut."""
    began, before = patience.monotonic(), None
    while True:
        left = None if timeout is None else timeout - (patience.monotonic() - began)
        most = _POLL_SECONDS if on_progress is None else _TELL_SECONDS
        seconds = max(0.0, most if left is None else min(most, left))
        found = shape.read((yield from patience.ask(_wait(path, seconds))).json)
        seen = found.model_dump(exclude={"rate", "eta"})
        if on_progress is not None and seen != before:
            on_progress(found)
        before = seen
        if has_come(found):
            return found
        if left is not None and left <= 0:
            raise TimedOut(f"{path} is {found.status} after {timeout:g} s", found)


def monitor(
    patience: Patience,
    run_ids: Iterable[str],
    on_change: Callable[[Run, str | None], None],
    timeout: float | None,
) -> Operation[list[Run]]:
    """Tells of each run whose status is another than before (None: it is the first look), until all
    have ended; those, in the order they were named. Raises TimedOut."""
    began = patience.monotonic()
    wanted = list(dict.fromkeys(run_ids))
    seen: dict[str, Run] = {}
    while True:
        for run_id in wanted:
            known = seen.get(run_id)
            if known is not None and known.ended:
                continue
            call = Call(verb="GET", path=_run(run_id))
            found = Run.read((yield from patience.ask(call)).json)
            if known is None or known.status != found.status:
                on_change(found, None if known is None else known.status)
            seen[run_id] = found
        if all(it.ended for it in seen.values()):
            return [seen[it] for it in wanted]
        open_ = [it for it in wanted if not seen[it].ended]
        left = _LOOK_SECONDS if timeout is None else timeout - (patience.monotonic() - began)
        if left <= 0:
            told = f"{len(open_)} of {len(wanted)} runs have not ended after {timeout:g} s"
            raise TimedOut(told, seen)
        seconds = min(left, _LOOK_SECONDS)
        yield from patience.ask(_wait(_run(open_[0]), seconds))


def _wait(path: str, seconds: float) -> Call:
    return Call(verb="GET", path=f"{path}/wait", query={"timeout": seconds}, patience=seconds)


def _run(run_id: str) -> str:
    return f"/api/runs/{quote(run_id, safe='')}"
