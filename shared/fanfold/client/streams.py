"""Answers that are read line by line, and gone on with where they broke off."""

from __future__ import annotations

from fanfold.client.calls import Broken, Item, Items, Line, Operation, Sleep, Stream
from fanfold.client.errors import Unavailable
from fanfold.client.patience import Patience
from fanfold.client.shapes import Event, Result

#: so often a stream may break off with nothing in between
_BREAKS = 5
_PAUSE_SECONDS = 0.5
#: a server that has nothing to tell says so every 15 seconds
_SILENT_SECONDS = 30.0


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
                result = Result.read_line(line)
                start, breaks = result.index + 1, 0
                yield Item(result)
        except Broken as broken:
            breaks = yield from _rest(breaks, broken)
        else:
            return


def events(patience: Patience, path: str, after: int) -> Items[Event]:
    """An event each, as it comes, until the batch has ended: the server knows when that is. An
    event that says so may be of a generation before the last one."""
    breaks = 0
    while True:
        headers = {"Last-Event-ID": str(after)} if after else {}
        try:
            stream = Stream(verb="GET", path=path, headers=headers, patience=_SILENT_SECONDS)
            yield from patience.ask(stream)
            while (line := (yield Line())) is not None:
                breaks = 0
                if line.startswith("data:"):
                    event = Event.read_line(line.removeprefix("data:"))
                    after = event.sequence
                    yield Item(event)
        except Broken as broken:
            breaks = yield from _rest(breaks, broken)
        else:
            return


def _rest(breaks: int, broken: Broken) -> Operation[int]:
    if breaks >= _BREAKS:
        raise Unavailable(f"the answer breaks off again and again: {broken}") from broken
    yield Sleep(_PAUSE_SECONDS)
    return breaks + 1
