"""Records that should run alone, of flows that no child process can find."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from threading import Event, Thread

import pytest

from fanfold.domain.flow import IN_MEMORY
from fanfold.domain.outcome import Raised, Returned, TimedOut
from fanfold.execution.call import Call
from fanfold.execution.isolation import Isolation
from fanfold.execution.library import Library
from fanfold.graphs.function import flow

MakeCall = Callable[..., Call]

IN_A_FILE = "fanfold.testing.puppet:puppet"


def in_memory(name: str) -> str:
    return f"{IN_MEMORY}{name}"


def test_it_runs_in_this_process_and_the_log_names_the_record(
    make_call: MakeCall, caplog: pytest.LogCaptureFixture
) -> None:
    @flow
    def where(_record: object) -> int:
        return os.getpid()

    with Isolation() as isolation, caplog.at_level(logging.WARNING, "fanfold"):
        attempt, seconds = isolation.run(make_call(where, place=in_memory("where")))
    assert attempt == Returned(str(os.getpid()))
    assert seconds >= 0
    assert "record 7 is delivered again and again" in caplog.text


def test_what_it_raises_is_its_own(make_call: MakeCall) -> None:
    @flow
    def bad(_record: object) -> None:
        raise ValueError("bad")

    with Isolation() as isolation:
        attempt, _ = isolation.run(make_call(bad, place=in_memory("bad")))
    assert isinstance(attempt, Raised)
    assert attempt.failure.message == "bad"


def test_one_that_hangs_is_left_behind_at_its_timeout(make_call: MakeCall) -> None:
    gate = Event()

    @flow
    def hang(_record: object) -> None:
        gate.wait(60)

    with Isolation() as isolation:
        attempt, _ = isolation.run(make_call(hang, timeout=0.05, place=in_memory("hang")))
    gate.set()
    assert attempt == TimedOut(0.05)


def test_several_run_side_by_side(make_call: MakeCall) -> None:
    """In a child there is room for one; here nobody waits for another."""
    both = [Event(), Event()]

    @flow
    def meet(record: int) -> bool:
        both[record].set()
        return both[1 - record].wait(10)

    with Isolation() as isolation:
        ends: list[object] = []
        calls = [make_call(meet, n, place=in_memory("meet")) for n in range(2)]
        threads = [Thread(target=lambda it=it: ends.append(isolation.run(it)[0])) for it in calls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert ends == [Returned("true")] * 2


def test_a_flow_in_a_file_still_runs_in_a_child(make_call: MakeCall) -> None:
    found = Library().find(IN_A_FILE)
    with Isolation() as isolation:
        attempt, _ = isolation.run(make_call(found.flow, {"do": "kill"}, place=found.place))
    assert type(attempt).__name__ == "Died"
