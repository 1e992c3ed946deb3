"""Threads meet at events and gates; no test depends on how fast it runs."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any

import pytest
from pydantic import BaseModel

from fanfold import Context, Fatal, Flow, Permanent, RateLimited, Retryable, RunCanceled, flow
from fanfold.domain.outcome import (
    MAX_MESSAGE_CHARS,
    MAX_TRACEBACK_CHARS,
    Attempt,
    Blame,
    Failure,
    Interrupted,
    Raised,
    Returned,
    TimedOut,
)
from fanfold.execution.call import Call
from fanfold.execution.context import Cancellation
from fanfold.execution.invoke import Invoker
from fanfold.testing.puppet import async_puppet, marks, puppet

MakeCall = Callable[..., Call]
#: passes at once, and is shorter than anything a test waits for
SOON = 0.02
#: seconds; only a hang reaches it
PATIENCE = 60.0


@pytest.fixture
def invoker() -> Iterator[Invoker]:
    it = Invoker()
    yield it
    it.stop()


class Ends:
    """What `done` was told."""

    def __init__(self) -> None:
        self.queue: SimpleQueue[tuple[Attempt, float, str]] = SimpleQueue()

    def __call__(self, attempt: Attempt, seconds: float) -> None:
        self.queue.put((attempt, seconds, threading.current_thread().name))

    def next(self) -> Attempt:
        return self.queue.get(timeout=PATIENCE)[0]

    def no_more(self) -> bool:
        return self.queue.empty()


def ended(invoker: Invoker, call: Call) -> Attempt:
    ends = Ends()
    invoker.invoke(call, ends)
    attempt = ends.next()
    assert ends.no_more(), "done is called once"
    return attempt


def failure_of(invoker: Invoker, call: Call) -> Failure:
    attempt = ended(invoker, call)
    assert isinstance(attempt, Raised), attempt
    return attempt.failure


def raising(error: BaseException) -> Flow:
    @flow
    def f(_record: Any) -> None:
        raise error

    return f


class Item(BaseModel):
    price: float


# ---------------------------------------------------------------- a flow that returns


def test_a_flow_runs_in_the_calling_thread_and_returns_json(
    invoker: Invoker, make_call: MakeCall
) -> None:
    threads = []

    @flow
    def f(record: dict[str, Any]) -> dict[str, Any]:
        threads.append(threading.current_thread())
        return {"got": record}

    ends = Ends()
    invoker.invoke(make_call(f, {"a": 1}, timeout=PATIENCE), ends)
    attempt, seconds, _ = ends.queue.get(timeout=PATIENCE)
    assert attempt == Returned('{"got":{"a":1}}')
    assert seconds >= 0
    assert threads == [threading.current_thread()]


def test_a_flow_that_wants_the_context_gets_it(invoker: Invoker, make_call: MakeCall) -> None:
    @flow
    def f(record: Any, ctx: Context) -> Any:
        ctx.log("seen", record=record)
        return [ctx.index, ctx.key, ctx.parameters]

    call = make_call(f, "r")
    assert ended(invoker, call) == Returned('[7,"seven",{"model":"small"}]')
    assert [entry.message for entry in call.context.entries] == ["seen"]


def test_a_record_comes_validated(invoker: Invoker, make_call: MakeCall) -> None:
    @flow
    def f(record: Item) -> float:
        return record.price

    assert ended(invoker, make_call(f, {"price": 2})) == Returned("2.0")


def test_an_async_flow_runs_on_one_loop_for_all(invoker: Invoker, make_call: MakeCall) -> None:
    @flow
    async def f(_record: Any) -> int:
        await asyncio.sleep(0)
        return id(asyncio.get_running_loop())

    first, second = ended(invoker, make_call(f)), ended(invoker, make_call(f))
    assert isinstance(first, Returned)
    assert first == second


def test_async_flows_run_side_by_side(invoker: Invoker, make_call: MakeCall) -> None:
    """Each waits for the other: one after the other they would wait for ever."""
    both = asyncio.Barrier(2)

    @flow
    async def f(record: int) -> int:
        async with both:
            return record

    ends = Ends()
    threads = [
        Thread(target=invoker.invoke, args=(make_call(f, number), ends), daemon=True)
        for number in (0, 1)
    ]
    for thread in threads:
        thread.start()
    assert {ends.next(), ends.next()} == {Returned("0"), Returned("1")}
    for thread in threads:
        thread.join(PATIENCE)


def test_a_plain_function_that_returns_a_coroutine_is_awaited(
    invoker: Invoker, make_call: MakeCall
) -> None:
    async def inner(record: Any) -> Any:
        return record

    @flow
    def f(record: Any) -> Any:
        return inner(record)

    assert ended(invoker, make_call(f, 1)) == Returned("1")


# ---------------------------------------------------------------- raising


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("no"), Raised(Failure(Blame.ERROR, "ValueError", "no"))),
        (Retryable("later", after=5), Raised(Failure(Blame.ERROR, "Retryable", "later"), 5.0)),
        (Retryable("later"), Raised(Failure(Blame.ERROR, "Retryable", "later"), None)),
        (
            RateLimited("slow", retry_after=2.5),
            Raised(Failure(Blame.RATE_LIMITED, "RateLimited", "slow"), 2.5),
        ),
        (Permanent("never"), Raised(Failure(Blame.PERMANENT, "Permanent", "never"))),
        (Fatal("end it"), Raised(Failure(Blame.FATAL, "Fatal", "end it"))),
        (SystemExit(3), Raised(Failure(Blame.PERMANENT, "SystemExit", "3"))),
        (KeyboardInterrupt(), Raised(Failure(Blame.PERMANENT, "KeyboardInterrupt", ""))),
        (GeneratorExit(), Raised(Failure(Blame.PERMANENT, "GeneratorExit", ""))),
        (MemoryError(), Raised(Failure(Blame.ERROR, "MemoryError", ""))),
        (TimeoutError("db"), Raised(Failure(Blame.ERROR, "TimeoutError", "db"))),
        (asyncio.CancelledError(), Raised(Failure(Blame.ERROR, "CancelledError", ""))),
        (RunCanceled("I say so"), Raised(Failure(Blame.ERROR, "RunCanceled", "I say so"))),
        (
            ExceptionGroup("one", [ExceptionGroup("in", [Fatal("end it")])]),
            Raised(Failure(Blame.FATAL, "Fatal", "end it")),
        ),
        (
            ExceptionGroup("two", [Fatal("end it"), ValueError()]),
            Raised(Failure(Blame.ERROR, "ExceptionGroup", "two (2 sub-exceptions)")),
        ),
    ],
    ids=lambda it: type(it).__name__,
)
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_what_a_flow_raises_decides_whose_fault_it_is(
    invoker: Invoker, make_call: MakeCall, kind: str, error: BaseException, expected: Raised
) -> None:
    @flow
    def sync(_record: Any) -> None:
        raise error

    @flow(id="async_one")
    async def wait(_record: Any) -> None:
        await asyncio.sleep(0)
        raise error

    attempt = ended(invoker, make_call(sync if kind == "sync" else wait))
    assert isinstance(attempt, Raised)
    seen = attempt.failure
    assert (seen.blame, seen.type, seen.message, attempt.after) == (
        expected.failure.blame,
        expected.failure.type,
        expected.failure.message,
        expected.after,
    )


def test_after_what_ends_a_program_the_next_async_flow_runs(
    invoker: Invoker, make_call: MakeCall
) -> None:
    @flow
    async def f(record: Any) -> str:
        async def leave() -> None:
            sys.exit(1)

        if record == "leave":
            await asyncio.gather(asyncio.create_task(leave()))
        return "still here"

    assert isinstance(ended(invoker, make_call(f, "leave")), Raised)
    assert ended(invoker, make_call(f, "stay")) == Returned('"still here"')


@pytest.mark.parametrize(
    ("asked", "expected"),
    [("30", 30.0), (-1, None), (float("nan"), None), (float("inf"), None), ("soon", None)],
)
def test_a_wait_that_is_nonsense_is_not_asked_for(
    invoker: Invoker, make_call: MakeCall, asked: Any, expected: float | None
) -> None:
    attempt = ended(invoker, make_call(raising(Retryable(after=asked))))
    assert isinstance(attempt, Raised)
    assert attempt.after == expected


def test_a_record_the_flow_does_not_take_is_the_inputs_fault(
    invoker: Invoker, make_call: MakeCall
) -> None:
    ran = []

    @flow
    def f(record: Item) -> None:
        ran.append(record)

    failure = failure_of(invoker, make_call(f, {"price": "x"}))
    assert failure.blame is Blame.INPUT
    assert failure.type == "InputInvalid"
    assert failure.message.startswith("price: Input should be a valid number")
    assert failure.traceback is None
    assert ran == []


def test_a_result_json_cannot_hold_is_the_outputs_fault(
    invoker: Invoker, make_call: MakeCall
) -> None:
    failure = failure_of(invoker, make_call(puppet, {"do": "unserialisable"}))
    assert failure.blame is Blame.OUTPUT
    assert failure.message.startswith("output.broken[0]: a value of type object")


def test_a_signal_tells_its_cause(invoker: Invoker, make_call: MakeCall) -> None:
    @flow
    def f(_record: Any) -> None:
        try:
            int("x")
        except ValueError as error:
            raise Permanent("no number") from error

    failure = failure_of(invoker, make_call(f))
    assert failure.type == "Permanent"
    assert failure.message == (
        "no number (from ValueError: invalid literal for int() with base 10: 'x')"
    )


def test_a_traceback_begins_in_the_users_code(invoker: Invoker, make_call: MakeCall) -> None:
    def deeper() -> None:
        raise ValueError("here")

    @flow
    def sync(_record: Any) -> None:
        deeper()

    @flow
    async def wait(_record: Any) -> None:
        deeper()

    for it in (sync, wait):
        traceback = failure_of(invoker, make_call(it)).traceback
        assert traceback is not None
        lines = traceback.splitlines()
        assert lines[0] == "Traceback (most recent call last):"
        assert __file__ in lines[1]
        assert lines[-1] == "ValueError: here"
        assert "in deeper" in traceback
        assert "fanfold/execution" not in traceback


def test_long_messages_and_tracebacks_are_cut_where_it_hurts_least(
    invoker: Invoker, make_call: MakeCall
) -> None:
    failure = failure_of(invoker, make_call(raising(ValueError("start " + "x" * 10_000 + " end"))))
    assert len(failure.message) == MAX_MESSAGE_CHARS
    assert failure.message.startswith("start ")
    assert failure.traceback is not None
    assert len(failure.traceback) == MAX_TRACEBACK_CHARS
    assert failure.traceback.endswith(" end\n")


def test_an_exception_that_cannot_be_printed_is_a_failure_all_the_same(
    invoker: Invoker, make_call: MakeCall
) -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    failure = failure_of(invoker, make_call(raising(Mute())))
    assert failure.type == "Mute"
    assert failure.message == "(its message cannot be printed)"


def test_endless_recursion_is_a_failure(invoker: Invoker, make_call: MakeCall) -> None:
    @flow
    def f(record: Any) -> Any:
        return f(record)

    assert failure_of(invoker, make_call(f)).type == "RecursionError"


# ---------------------------------------------------------------- timeouts


def test_an_overdue_sync_flow_is_abandoned_but_its_thread_stays_taken(
    invoker: Invoker, make_call: MakeCall
) -> None:
    returned, gate = Event(), Event()

    @flow
    def f(_record: Any) -> str:
        gate.wait(PATIENCE)
        return "too late"

    ends = Ends()

    def invoke() -> None:
        invoker.invoke(make_call(f, timeout=SOON), ends)
        returned.set()

    Thread(target=invoke, daemon=True).start()
    attempt, seconds, thread = ends.queue.get(timeout=PATIENCE)
    assert attempt == TimedOut(SOON)
    assert seconds >= SOON
    assert thread == "fanfold-watchdog"
    assert not returned.is_set()
    gate.set()
    assert returned.wait(PATIENCE)
    assert ends.no_more()


def test_an_overdue_async_flow_is_canceled(invoker: Invoker, make_call: MakeCall) -> None:
    cleaned = Event()

    @flow
    async def f(_record: Any) -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            cleaned.set()

    assert ended(invoker, make_call(f, timeout=SOON)) == TimedOut(SOON)
    assert cleaned.is_set()


def test_an_async_flow_that_will_not_be_canceled_is_abandoned(
    invoker: Invoker, make_call: MakeCall, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    ends = Ends()
    call = make_call(async_puppet, {"do": "hang", "gate": str(gate)}, timeout=SOON)
    thread = Thread(target=invoker.invoke, args=(call, ends), daemon=True)
    thread.start()
    assert ends.next() == TimedOut(SOON)
    assert thread.is_alive()
    gate.touch()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert ends.no_more()


def test_a_flow_that_blocks_the_loop_is_overdue_all_the_same(
    invoker: Invoker, make_call: MakeCall
) -> None:
    gate = Event()

    @flow
    async def f(_record: Any) -> None:
        gate.wait(PATIENCE)

    ends = Ends()
    call = make_call(f, timeout=SOON)
    thread = Thread(target=invoker.invoke, args=(call, ends), daemon=True)
    thread.start()
    assert ends.next() == TimedOut(SOON)
    gate.set()
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_an_overdue_flow_that_cleans_up_keeps_no_other_waiting(
    invoker: Invoker, make_call: MakeCall
) -> None:
    """Deadlines are met in their own order, not in that of the calls."""
    gate = Event()

    @flow
    def f(_record: Any) -> None:
        gate.wait(PATIENCE)

    ends = Ends()
    threads = [
        Thread(target=invoker.invoke, args=(make_call(f, timeout=timeout), ends), daemon=True)
        for timeout in (PATIENCE * 100, SOON * 3, SOON)
    ]
    for thread in threads:
        thread.start()
    assert {ends.next(), ends.next()} == {TimedOut(SOON), TimedOut(SOON * 3)}
    gate.set()
    assert ends.next() == Returned("null")
    for thread in threads:
        thread.join(PATIENCE)


def test_a_timeout_error_of_the_flows_own_is_no_timeout(
    invoker: Invoker, make_call: MakeCall
) -> None:
    @flow
    async def f(_record: Any) -> None:
        async with asyncio.timeout(0):
            await asyncio.sleep(3600)

    failure = failure_of(invoker, make_call(f, timeout=PATIENCE))
    assert (failure.blame, failure.type) == (Blame.ERROR, "TimeoutError")


def test_a_done_that_fails_leaves_the_watchdog_alive(
    invoker: Invoker, make_call: MakeCall, caplog: pytest.LogCaptureFixture
) -> None:
    gate, told = Event(), Event()

    def fails(_attempt: Attempt, _seconds: float) -> None:
        told.set()
        raise RuntimeError("done is broken")

    @flow
    def f(_record: Any) -> None:
        gate.wait(PATIENCE)

    ends = Ends()
    for done in (fails, ends):
        Thread(target=invoker.invoke, args=(make_call(f, timeout=SOON), done), daemon=True).start()
    assert ends.next() == TimedOut(SOON)
    assert told.wait(PATIENCE)
    invoker.stop()  # the watchdog's thread has logged before it ends
    gate.set()
    assert "a deadline's callback failed" in caplog.text


def test_deadlines_that_are_met_do_not_pile_up(invoker: Invoker, make_call: MakeCall) -> None:
    @flow
    def f(record: Any) -> None: ...

    call = make_call(f, timeout=3600)
    for _ in range(1000):
        invoker.invoke(call, lambda _attempt, _seconds: None)
    assert invoker.watched <= 64


# ---------------------------------------------------------------- being told to stop


def test_a_sync_flow_that_stops_when_told_is_interrupted(
    invoker: Invoker, make_call: MakeCall
) -> None:
    canceled, inside = Cancellation(), Event()

    @flow
    def f(_record: Any, ctx: Context) -> None:
        inside.set()
        ctx.sleep(3600)

    ends = Ends()
    call = make_call(f, canceled=canceled)
    Thread(target=invoker.invoke, args=(call, ends), daemon=True).start()
    assert inside.wait(PATIENCE)
    canceled.set("batch canceled")
    assert ends.next() == Interrupted("batch canceled")


def test_an_async_flow_is_stopped_where_it_waits(invoker: Invoker, make_call: MakeCall) -> None:
    canceled, inside = Cancellation(), Event()

    @flow
    async def f(_record: Any) -> None:
        inside.set()
        await asyncio.sleep(3600)

    ends = Ends()
    call = make_call(f, canceled=canceled)
    Thread(target=invoker.invoke, args=(call, ends), daemon=True).start()
    assert inside.wait(PATIENCE)
    canceled.set("batch canceled")
    assert ends.next() == Interrupted("batch canceled")


def test_an_async_flow_told_before_it_began_stops_where_it_first_waits(
    invoker: Invoker, make_call: MakeCall
) -> None:
    canceled = Cancellation()
    canceled.set("batch canceled")
    call = make_call(async_puppet, {"do": "asleep", "seconds": 3600}, canceled=canceled)
    assert ended(invoker, call) == Interrupted("batch canceled")


def test_a_flow_that_finishes_although_told_to_stop_has_returned(
    invoker: Invoker, make_call: MakeCall
) -> None:
    canceled = Cancellation()
    canceled.set("batch canceled")
    assert ended(invoker, make_call(puppet, {"do": "ok"}, canceled=canceled)) == Returned('"ok"')


def test_a_flow_that_fails_after_being_told_to_stop_has_failed(
    invoker: Invoker, make_call: MakeCall
) -> None:
    canceled = Cancellation()
    canceled.set("batch canceled")
    failure = failure_of(invoker, make_call(puppet, {"do": "error"}, canceled=canceled))
    assert failure.type == "ValueError"


def test_a_shared_cancellation_does_not_hold_on_to_the_runs_that_are_over(
    invoker: Invoker, make_call: MakeCall
) -> None:
    canceled = Cancellation()
    for _ in range(3):
        ended(invoker, make_call(async_puppet, {"do": "ok"}, canceled=canceled))
    assert canceled._callbacks == []


# ---------------------------------------------------------------- stopping


def test_stopping_ends_the_threads(make_call: MakeCall) -> None:
    before = set(threading.enumerate())
    invoker = Invoker()
    ended(invoker, make_call(puppet, {"do": "ok"}, timeout=PATIENCE))
    ended(invoker, make_call(async_puppet, {"do": "ok"}))
    started = {thread.name for thread in set(threading.enumerate()) - before}
    assert started == {"fanfold-watchdog", "fanfold-loop"}
    invoker.stop()
    assert set(threading.enumerate()) <= before
    invoker.stop()  # again is harmless


def test_sync_flows_without_a_timeout_start_no_thread(make_call: MakeCall) -> None:
    before = set(threading.enumerate())
    invoker = Invoker()
    ended(invoker, make_call(puppet, {"do": "ok"}))
    assert set(threading.enumerate()) == before


def test_stopping_cancels_what_is_still_waiting(make_call: MakeCall) -> None:
    invoker, inside, ends, cleaned = Invoker(), Event(), Ends(), Event()

    @flow
    async def f(_record: Any) -> None:
        inside.set()
        try:
            await asyncio.sleep(3600)
        finally:
            cleaned.set()

    thread = Thread(target=invoker.invoke, args=(make_call(f), ends), daemon=True)
    thread.start()
    assert inside.wait(PATIENCE)
    invoker.stop()
    assert cleaned.is_set()
    attempt = ends.next()
    assert isinstance(attempt, Raised)
    assert attempt.failure.type == "CancelledError"
    thread.join(PATIENCE)


# ---------------------------------------------------------------- the puppet


def test_a_puppet_leaves_a_mark_at_both_ends(
    invoker: Invoker, make_call: MakeCall, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    for it in (puppet, async_puppet):
        ended(invoker, make_call(it, {"do": "error", "log": str(log)}, attempt=2))
    assert [(it.index, it.attempt, it.what) for it in marks(log)] == [
        (7, 2, "start"),
        (7, 2, "end"),
    ] * 2
    assert marks(tmp_path / "none") == []


@pytest.mark.parametrize("it", [puppet, async_puppet])
@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"x": 1}, '{"x":1}'),
        ([1], "[1]"),
        ({"do": "ok"}, '"ok"'),
        ({"do": "return", "value": None}, "null"),
        ({"do": "sleep", "seconds": 0}, '"ok"'),
        ({"do": "cancelable", "seconds": 0}, '"ok"'),
        ({"do": "asleep", "seconds": 0}, '"ok"'),
        ({"do": "big", "size": 3}, '"xxx"'),
        ({"do": "hang", "gate": __file__}, '"ok"'),
        ({"do": "log"}, '"ok"'),
    ],
)
def test_a_puppet_does_as_its_record_says(
    invoker: Invoker, make_call: MakeCall, it: Flow, record: Any, expected: str
) -> None:
    assert ended(invoker, make_call(it, record)) == Returned(expected)


@pytest.mark.parametrize(
    ("record", "blame"),
    [
        ({"do": "error"}, Blame.ERROR),
        ({"do": "retryable"}, Blame.ERROR),
        ({"do": "permanent"}, Blame.PERMANENT),
        ({"do": "fatal"}, Blame.FATAL),
        ({"do": "flaky", "until": 3}, Blame.ERROR),
        ({"do": "misspelt"}, Blame.PERMANENT),
        ({"do": "sleep"}, Blame.PERMANENT),
    ],
)
def test_a_puppet_fails_as_its_record_says(
    invoker: Invoker, make_call: MakeCall, record: Any, blame: Blame
) -> None:
    assert failure_of(invoker, make_call(puppet, record)).blame is blame


def test_a_flaky_puppet_gets_there_in_the_end(invoker: Invoker, make_call: MakeCall) -> None:
    record = {"do": "flaky", "until": 2}
    assert isinstance(ended(invoker, make_call(puppet, record, attempt=1)), Raised)
    assert ended(invoker, make_call(puppet, record, attempt=2)) == Returned('"ok"')


def test_a_rate_limited_puppet_is_let_through_after_a_while(
    invoker: Invoker, make_call: MakeCall
) -> None:
    record = {"do": "rate-limited", "times": 2, "after": 0.25}
    for _ in range(2):
        attempt = ended(invoker, make_call(puppet, record))
        assert isinstance(attempt, Raised)
        assert attempt.failure.blame is Blame.RATE_LIMITED
        assert attempt.after == 0.25
    assert ended(invoker, make_call(puppet, record)) == Returned('"ok"')
