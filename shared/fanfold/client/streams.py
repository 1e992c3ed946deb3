"""Answers that are read line by line, and gone on with where they broke off."""

from __future__ import annotations

import json
from typing import Any

from fanfold.client.calls import Broken, Item, Items, Line, Operation, Sleep, Stream
from fanfold.client.errors import Unavailable
from fanfold.client.patience import Patience
from fanfold.client.shapes import ENDED_BATCH, Event, Result

#: so often a stream may break off without a line in between
_BREAKS = 5
_PAUSE_SECONDS = 0.5


def results(
    patience: Patience, path: str, status: str | None, start: int, stop: int | None
) -> Items[Result]:
    """A result each, in record order; each once, however often the connection breaks."""
    breaks = 0
    while True:
        query = {"status": status, "start": start, "stop": stop}
        try:
            yield from patience.ask(Stream(verb="GET", path=path, query=query))
            while (line := (yield Line())) is not None:
                result = Result.model_validate_json(line)
                start, breaks = result.index + 1, 0
                yield Item(result)
        except Broken as broken:
            breaks = yield from _rest(breaks, broken)
        else:
            return


def events(patience: Patience, path: str, after: int) -> Items[Event]:
    """An event each, as it comes, until the batch has ended."""
    breaks = 0
    while True:
        headers = {"Last-Event-ID": str(after)} if after else {}
        try:
            yield from patience.ask(Stream(verb="GET", path=path, headers=headers))
            while (line := (yield Line())) is not None:
                if not line.startswith("data:"):
                    continue
                event = Event.model_validate(_event_in(line))
                after, breaks = event.sequence, 0
                yield Item(event)
                if event.kind in ENDED_BATCH:
                    return
        except Broken as broken:
            breaks = yield from _rest(breaks, broken)
        else:
            return


def _event_in(line: str) -> Any:
    return json.loads(line.removeprefix("data:"))


def _rest(breaks: int, broken: Broken) -> Operation[int]:
    if breaks >= _BREAKS:
        raise Unavailable(f"the answer breaks off again and again: {broken}") from broken
    yield Sleep(_PAUSE_SECONDS)
    return breaks + 1
