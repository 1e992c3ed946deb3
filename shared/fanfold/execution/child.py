"""A child process that runs one record at a time, alone. `isolation` starts it and speaks to it.

It ends when its standard input does, so it does not outlive its parent. A flow that blocks in C and
lets no other thread run would hold that up; where the kernel can, it kills the child at once when
the thread that started it ends. What a flow prints must not get between the frames: the real
standard output is put aside, and prints go to standard error.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, BinaryIO

from fanfold.domain.flow import Flow, FlowRef
from fanfold.domain.outcome import Attempt, MemoryExceeded, Raised
from fanfold.domain.run import LogEntry
from fanfold.errors import UsageError
from fanfold.execution import frames, memory
from fanfold.execution.afar import ANSWER, durable_afar
from fanfold.execution.call import Call
from fanfold.execution.context import Context
from fanfold.execution.invoke import Invoker
from fanfold.execution.library import Library

#: seconds for a clean exit, once the parent is gone
GRACE = 1.0
#: of Linux: the signal to get when the parent ends
_PR_SET_PDEATHSIG = 1


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
        self._channel.send(log=entry.packed(), number=self._number)


def _tell_spending(channel: Channel, number: int, amount: int) -> None:
    """At once, as the log: what a record costs that kills this process is counted."""
    channel.send(spent=amount, number=number)


def main() -> None:
    _end_with_parent()
    requests, channel = _pipes()
    todo: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
    answers: SimpleQueue[dict[str, Any]] = SimpleQueue()
    Thread(target=_listen, args=(requests, todo, answers), daemon=True).start()
    invoker = Invoker()
    library: Library | None = None
    flow: Flow | None = None
    mapped: int | None = None
    while (frame := todo.get()) is not None:
        match frame:
            case {"load": ref, "places": places, "path": path, "number": number}:
                sys.path[:] = path
                library = library or Library(places)
                try:
                    flow = _load(library, FlowRef(**ref))
                    mapped = mapped or memory.mapped()
                    channel.send(loaded=True, number=number)
                except UsageError as error:
                    channel.send(refused=[type(error).__name__, str(error)], number=number)
            case {"run": data, "context": about, "memory": limit, "number": number, **rest} if flow:
                context = Context(**about)
                context.entries = SentLog(channel, number)
                context.on_spend = partial(_tell_spending, channel, number)
                if "durable" in rest:
                    ask = partial(channel.send, number=number)
                    context.opens = partial(durable_afar, rest["durable"], ask, answers)
                # the parent keeps the time: it can end this process, which nothing in here can
                call = Call(flow, FlowRef(flow.name, flow.version, ""), data, context, None)
                attempt, seconds = _run(invoker, call, limit, mapped)
                told = frames.attempt_packed(attempt)
                memo = context.durable.memo.encode() if context.has_durable else ""
                channel.send(attempt=told, seconds=seconds, memo=memo, number=number)
            case _:
                raise ValueError(f"the parent sent what is no request: {list(frame)}")
    invoker.stop()


def _run(
    invoker: Invoker, call: Call, limit: int | None, mapped: int | None
) -> tuple[Attempt, float]:
    """`mapped`: bytes before the first record. The bound is gone when there is something to say."""
    started = time.monotonic()
    ended: list[tuple[Attempt, float]] = []
    try:
        with memory.bounded(limit, mapped):
            invoker.invoke(call, lambda attempt, seconds: ended.append((attempt, seconds)))
    except MemoryError:  # there was none left to say so
        if limit is None:
            raise
        return MemoryExceeded(limit), time.monotonic() - started
    attempt, seconds = ended[0]
    match attempt:
        case Raised(failure) if limit is not None and failure.type == MemoryError.__name__:
            return MemoryExceeded(limit, failure.traceback), seconds
        case _:
            return attempt, seconds


def _end_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _load(library: Library, ref: FlowRef) -> Flow:
    """By its place first: that is where the parent has the very flow it means."""
    with suppress(UsageError):
        found = library.find(ref.place)
        if found.flow.name == ref.name:
            return found.flow.part(ref.part) if ref.part else found.flow
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


def _listen(
    requests: BinaryIO,
    todo: SimpleQueue[dict[str, Any] | None],
    answers: SimpleQueue[dict[str, Any]],
) -> None:
    while (frame := frames.read(requests)) is not None:
        (answers if ANSWER in frame else todo).put(frame)
    todo.put(None)
    time.sleep(GRACE)  # an idle child has exited by now; one at work does not get to finish
    os._exit(1)


if __name__ == "__main__":
    main()
