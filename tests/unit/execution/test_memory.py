"""A limit to a record's memory. Children are real ones, and so is the memory they take."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fanfold.domain.flow import Flow
from fanfold.domain.outcome import Attempt, Blame, MemoryExceeded, Raised, Returned
from fanfold.execution import memory
from fanfold.execution.call import Call
from fanfold.execution.isolation import Isolation
from fanfold.execution.library import Library

Write = Callable[[str, str], Path]
MakeCall = Callable[..., Call]
Run = Callable[[str], Attempt]
MIB = 1024**2
LIMIT = 256 * MIB
PATIENCE = 60.0

needs_proc = pytest.mark.skipif(memory.mapped() is None, reason="no /proc here")


@pytest.fixture
def isolation() -> Iterator[Isolation]:
    with Isolation() as isolation:
        yield isolation


@pytest.fixture
def flows(write: Write) -> Callable[[str], Flow]:
    write("hungry.py", HUNGRY)
    return lambda name: Library().find(f"hungry.py:{name}").flow


@pytest.fixture
def run(isolation: Isolation, flows: Callable[[str], Flow], make_call: MakeCall) -> Run:
    return lambda name: isolation.run(make_call(flows(name), timeout=PATIENCE))[0]


# ------------------------------------------------------------------ readings


def test_another_process_is_read_like_this_one() -> None:
    own = memory.resident()
    assert own / 2 < memory.resident(os.getpid()) < own * 2


def test_a_process_that_is_not_there_tells_nothing() -> None:
    with pytest.raises(memory.Untold):
        memory.resident(2**22 + 1)  # more than a kernel gives


@needs_proc
def test_within_bounds_no_more_can_be_mapped_and_afterwards_it_can() -> None:
    with memory.bounded(MIB, memory.mapped()), pytest.raises(MemoryError):
        bytes(1024 * MIB)
    assert len(bytes(1024 * MIB)) == 1024 * MIB


# -------------------------------------------------------------------- limits


def test_a_record_that_takes_memory_without_end_is_stopped(run: Run) -> None:
    assert isinstance(attempt := run("without_end"), MemoryExceeded)
    assert attempt.limit == LIMIT
    assert isinstance(run("modest"), Returned), "the next record is not harmed"


def test_a_record_that_has_too_much_is_killed_even_if_the_kernel_would_let_it(run: Run) -> None:
    """What is shared does not count for the kernel's bound."""
    assert run("shared") == MemoryExceeded(LIMIT)


@needs_proc
def test_a_record_that_asks_for_too_much_at_once_is_refused_it(run: Run) -> None:
    """It never has it, so nobody who looks could see it."""
    attempt = run("at_once")
    assert isinstance(attempt, MemoryExceeded)
    assert "bytes(1 << 30)" in str(attempt.traceback), "where it asked"


@needs_proc
def test_a_record_that_makes_do_without_what_it_was_refused_succeeds(run: Run) -> None:
    assert run("makes_do") == Returned('"less will do"')


def test_without_a_limit_a_memory_error_is_the_flow_s_own(run: Run) -> None:
    attempt = run("unlimited")
    assert isinstance(attempt, Raised)
    assert (attempt.failure.blame, attempt.failure.type) == (Blame.ERROR, "MemoryError")


@needs_proc
def test_after_a_refusal_the_same_child_runs_the_next_record(run: Run) -> None:
    assert isinstance(run("refused_first"), MemoryExceeded)
    assert run("refused_first") == Returned("2")


@needs_proc
def test_a_child_that_keeps_what_a_record_took_is_not_used_again(run: Run) -> None:
    """Or else the second one would be killed for what the first one left."""
    pids = [run("keeps"), run("keeps")]
    assert all(isinstance(it, Returned) for it in pids)
    assert pids[0] != pids[1]


def test_a_flow_that_is_too_large_when_imported_is_told_so(
    isolation: Isolation, make_call: MakeCall, write: Write
) -> None:
    write("large.py", LARGE.replace("LARGE", "1"))
    flow = Library().find("large.py:f").flow
    write("large.py", LARGE.replace("LARGE", f"{2 * LIMIT}"))
    assert isolation.run(make_call(flow))[0] == MemoryExceeded(LIMIT)


HUNGRY = """\
import mmap, os, signal
from fanfold import flow

limited = dict(isolation="process", memory="256MiB")
kept = []
tried = []

@flow(**limited)
def without_end(record):
    while True:
        kept.append(b"x" * 2**20)

@flow(**limited)
def shared(record):
    taken = mmap.mmap(-1, 1 << 30)
    for place in range(0, 1 << 30, mmap.PAGESIZE):
        taken[place] = 1
    while True:
        signal.pause()

@flow(**limited)
def at_once(record):
    return len(bytes(1 << 30))

@flow(**limited)
def makes_do(record):
    try:
        bytes(1 << 30)
    except MemoryError:
        return "less will do"

@flow(**limited)
def modest(record):
    return os.getpid()

@flow(isolation="process")
def unlimited(record):
    raise MemoryError

@flow(**limited)
def refused_first(record):
    tried.append(1)
    if len(tried) == 1:
        bytes(1 << 30)
    return len(tried)

@flow(**limited)
def keeps(record):
    kept.append(b"x" * (150 * 2**20))
    return os.getpid()
"""
LARGE = """\
import signal
from fanfold import flow

taken = b"x" * LARGE
if len(taken) > 1:
    signal.pause()

@flow(isolation="process", memory="256MiB")
def f(record):
    return 1
"""
