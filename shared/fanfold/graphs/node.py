"""One call of one node, or of a worker for one item, with its retries, timeout and fallback."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from contextlib import nullcontext
from itertools import count
from threading import Event, Lock, Thread
from types import CoroutineType
from typing import Any

from fanfold.domain.flow import Flow
from fanfold.domain.outcome import Interrupted
from fanfold.domain.retry import Again, decide
from fanfold.errors import FanfoldError, RateLimited
from fanfold.execution.context import Context
from fanfold.execution.durable import Suspended
from fanfold.execution.failures import NODE, attempt_of
from fanfold.execution.loop import Errand, LoopThread
from fanfold.execution.validation import check_input, dump_output

_opening = Lock()
_loops: list[LoopThread] = []


class NodeTimeout(FanfoldError):
    """A node ran longer than its timeout. Give it more, or less to do."""


def call_node(
    work: Flow, fallback: Flow | None, data: Callable[[], Any], context: Context, *, waits: bool
) -> str:
    """Its output as JSON text. Raises what its last attempt raised. `data` makes a value anew for
    each attempt. `waits`: told to slow down it waits here; else the whole run does."""
    try:
        return _attempted(work, data, context, waits=waits)
    except (Suspended, RateLimited):
        raise
    except BaseException as error:
        if fallback is None or isinstance(attempt_of(error, context), Interrupted):
            raise
        text = f"{type(error).__name__}: {error}"
        context.log("the fallback is called", level="warning", error=text)
        return _attempted(fallback, data, context, waits=waits)


def _attempted(work: Flow, data: Callable[[], Any], context: Context, *, waits: bool) -> str:
    attempts, slowed = 0, 0
    while True:
        attempts += 1
        try:
            return _once(work, data(), context)
        except Suspended:
            raise
        except BaseException as error:
            mark(error, context.place)
            decision = decide(
                attempt_of(error, context), attempts=attempts, rate_limited=slowed,
                policy=work.retry, uniform=random.random,
            )  # fmt: skip
            if not isinstance(decision, Again) or not (decision.burns or waits):
                raise
            if not decision.burns:
                attempts, slowed = attempts - 1, slowed + 1
            text = f"{type(error).__name__}: {error}"
            delay = decision.delay
            del error  # what it holds need not be held while nothing is done
        context.log("tried again", level="warning", error=text, seconds=round(delay, 3))
        context.sleep(delay)


def _once(work: Flow, data: Any, context: Context) -> str:
    record = check_input(work, data)
    # a graph's own nodes take their places themselves
    room = context.room if context.room and not work.is_graph else nullcontext()
    with room:
        context.check_canceled()
        if work.timeout is None:
            return dump_output(work, _called(work, record, context, []))
        return dump_output(work, _in_time(work, record, context, work.timeout))


def _called(work: Flow, record: Any, context: Context, errands: list[Errand]) -> Any:
    value = work.fn(record, context) if work.wants_context else work.fn(record)
    if type(value) is not CoroutineType:
        return value
    errand = _loop().send(value)
    errands.append(errand)
    return errand.wait_unless(context.canceled)


def _in_time(work: Flow, record: Any, context: Context, timeout: float) -> Any:
    """In a thread of its own. One that is overdue is left to itself: a thread cannot be stopped."""
    ended = Event()
    values: list[Any] = []
    errors: list[BaseException] = []
    errands: list[Errand] = []

    def call() -> None:
        try:
            values.append(_called(work, record, context, errands))
        except BaseException as error:  # noqa: BLE001  it is raised where it is waited for
            errors.append(error)
        finally:
            ended.set()

    Thread(target=call, name=f"fanfold-{work.name}", daemon=True).start()
    if not ended.wait(timeout):
        for errand in errands:
            errand.cancel()
        raise NodeTimeout(f"ran longer than its {timeout:g} s")
    if errors:
        raise errors.pop()
    return values[0]


def mark(error: BaseException, place: str) -> None:
    """Remember where it was raised, for whoever reads of it: the innermost place."""
    if getattr(error, NODE, None) is None:
        try:
            setattr(error, NODE, place)
        except AttributeError:  # a class of the user's that takes none
            return


def as_seen_from(error: BaseException, place: str) -> None:
    """Where it was raised, in the words of who knows that it was within this place."""
    where = getattr(error, NODE, None)
    if where is not None and where.startswith(place):
        setattr(error, NODE, where[len(place) + 1 :] or None)


def copies(text: str) -> Callable[[], Any]:
    """A value of its own for whoever asks."""
    return lambda: json.loads(text)


def counting() -> Callable[[], int]:
    """0, 1, 2, …: each number to one of the threads that ask."""
    numbers = count()
    return lambda: next(numbers)


def _loop() -> LoopThread:
    """One for all async nodes of a process: what they keep open may be used by the next."""
    with _opening:
        if not _loops:
            _loops.append(LoopThread())
        return _loops[0]
