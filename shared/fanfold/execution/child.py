"""The child process that runs one record alone. `isolation` starts it and speaks to it.

It ends when its standard input does, so it cannot outlive its parent, whatever the flow is at. What
a flow prints must not get between the frames: the real standard output is put aside, and prints go
to standard error.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, BinaryIO

from fanfold.domain.flow import Flow, FlowRef
from fanfold.domain.outcome import Attempt
from fanfold.domain.run import LogEntry
from fanfold.errors import UsageError
from fanfold.execution import frames
from fanfold.execution.call import Call
from fanfold.execution.context import Context
from fanfold.execution.invoke import Invoker
from fanfold.execution.library import Library

#: seconds for a clean exit, once the parent is gone
GRACE = 1.0


class Channel:
    """To the parent. A flow's own threads may log while the result is being sent."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe
        self._lock = Lock()

    def send(self, **frame: Any) -> None:
        with self._lock:
            self._pipe.write(frames.packed(frame))
            self._pipe.flush()


class SentLog(list[LogEntry]):
    """Each entry goes to the parent at once: a record that kills this process leaves its log."""

    def __init__(self, channel: Channel, number: int) -> None:
        super().__init__()
        self._channel = channel
        self._number = number

    def append(self, entry: LogEntry) -> None:
        super().append(entry)
        told = [entry.time, entry.level, entry.message, entry.fields]
        self._channel.send(log=told, number=self._number)


def main() -> None:
    requests, channel = _pipes()
    todo: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
    Thread(target=_listen, args=(requests, todo), daemon=True).start()
    invoker = Invoker()
    library: Library | None = None
    flow: Flow | None = None
    while (frame := todo.get()) is not None:
        match frame:
            case {"load": ref, "places": places, "path": path, "number": number}:
                sys.path[:] = path
                library = library or Library(places)
                try:
                    flow = _load(library, FlowRef(**ref))
                    channel.send(loaded=True, number=number)
                except UsageError as error:
                    channel.send(refused=[type(error).__name__, str(error)], number=number)
            case {"run": data, "context": about, "number": number} if flow is not None:
                context = Context(**about)
                context.entries = SentLog(channel, number)
                # the parent keeps the time: it can end this process, which nothing in here can
                call = Call(flow, FlowRef(flow.name, flow.version, ""), data, context, None)
                invoker.invoke(call, partial(_report, channel, number))
            case _:
                raise ValueError(f"the parent sent what is no request: {list(frame)}")
    invoker.stop()


def _report(channel: Channel, number: int, attempt: Attempt, seconds: float) -> None:
    channel.send(attempt=frames.attempt_packed(attempt), seconds=seconds, number=number)


def _load(library: Library, ref: FlowRef) -> Flow:
    """By its place first: that is where the parent has the very flow it means."""
    with suppress(UsageError):
        found = library.find(ref.place)
        if found.flow.name == ref.name:
            return found.flow
    return library.resolve(ref)


def _pipes() -> tuple[BinaryIO, Channel]:
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(line_buffering=True)  # a print just before the end is still seen
    return requests, Channel(answers)


def _listen(requests: BinaryIO, todo: SimpleQueue[dict[str, Any] | None]) -> None:
    while (frame := frames.read(requests)) is not None:
        todo.put(frame)
    todo.put(None)
    time.sleep(GRACE)  # an idle child has exited by now; one at work does not get to finish
    os._exit(1)


if __name__ == "__main__":
    main()
