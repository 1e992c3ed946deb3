"""Flows that always run in child processes: how many, which, and when they end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

import pytest

from fanfold.domain.outcome import Attempt, Interrupted, Returned, TimedOut
from fanfold.execution.call import Call
from fanfold.execution.context import Cancellation
from fanfold.execution.isolation import Isolation, IsolationClosed
from fanfold.execution.library import Library

Write = Callable[[str, str], Path]
MakeCall = Callable[..., Call]
Prepared = Callable[..., Call]
PATIENCE = 60.0
BLOCKS = pytest.mark.parametrize("how", ["pauses", "loops", "sleeps in C", "lets no thread run"])


@pytest.fixture
def isolation() -> Iterator[Isolation]:
    with Isolation() as isolation:
        yield isolation


@pytest.fixture
def prepared(write: Write, make_call: MakeCall) -> Prepared:
    """A call of a flow of the file, by its name."""
    write("apart.py", APART)
    return lambda name, record=None, **call: make_call(
        Library().find(f"apart.py:{name}").flow, record, **call
    )


def side_by_side(isolation: Isolation, calls: list[Call]) -> list[Attempt]:
    ends: list[Attempt] = []
    threads = [Thread(target=lambda it=it: ends.append(isolation.run(it)[0])) for it in calls]
    for thread in threads:
        thread.daemon = True
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    return ends


def pids_of(attempts: list[Attempt]) -> set[int]:
    assert all(isinstance(it, Returned) for it in attempts), attempts
    return {json.loads(it.output) for it in attempts if isinstance(it, Returned)}


def wait_for(path: Path) -> int:
    """Until a process has written its number there."""
    pause = Event()
    while not (path.exists() and path.read_text(encoding="utf-8").endswith("\n")):
        pause.wait(0.005)
    return int(path.read_text(encoding="utf-8"))


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for_the_end_of(pid: int) -> None:
    """Of a process that is nobody's child here: its new parent may leave it a zombie."""
    pause, status = Event(), Path(f"/proc/{pid}/status")
    with suppress(FileNotFoundError, ProcessLookupError):
        while "(zombie)" not in status.read_text(encoding="utf-8"):
            pause.wait(0.005)


needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no /proc here")


# ------------------------------------------------------------------ how many


@pytest.mark.parametrize("many", [2, 5])
def test_records_run_side_by_side_each_in_a_process_of_its_own(
    isolation: Isolation, prepared: Prepared, tmp_path: Path, many: int
) -> None:
    """None of them ends before all have begun."""
    record = {"folder": str(tmp_path / "here"), "many": many}
    pids = pids_of(side_by_side(isolation, [prepared("meet", record)] * many))
    assert len(pids) == many
    assert os.getpid() not in pids


def test_records_that_are_only_suspected_take_turns(
    isolation: Isolation, prepared: Prepared, tmp_path: Path
) -> None:
    """The first one waits in vain for the second to come beside it."""
    folder, ends, pause = tmp_path / "here", [], Event()
    waits = prepared("suspected", {"folder": str(folder), "many": 2}, timeout=0.5)
    first = Thread(target=lambda: ends.append(isolation.run(waits)[0]), daemon=True)
    first.start()
    while first.is_alive() and not folder.exists():
        pause.wait(0.005)
    comes = prepared("suspected", {"folder": str(folder), "many": 1})
    assert isinstance(isolation.run(comes)[0], Returned)
    first.join(PATIENCE)
    assert ends == [TimedOut(0.5)]


def test_a_child_is_used_again_for_the_next_records(
    isolation: Isolation, prepared: Prepared
) -> None:
    assert len(pids_of([isolation.run(prepared("pid"))[0] for _ in range(20)])) == 1


def test_those_that_waited_run_the_next_ones_that_come_together(
    isolation: Isolation, prepared: Prepared, tmp_path: Path
) -> None:
    pids = [
        pids_of(
            side_by_side(
                isolation, [prepared("meet", {"folder": str(tmp_path / name), "many": 3})] * 3
            )
        )
        for name in ("first", "second")
    ]
    assert pids[0] == pids[1]


def test_children_that_nobody_needs_any_more_are_ended(prepared: Prepared, tmp_path: Path) -> None:
    record = {"folder": str(tmp_path / "here"), "many": 3}
    with Isolation(idle_seconds=0.0) as isolation:
        pids = pids_of(side_by_side(isolation, [prepared("meet", record)] * 3))
        last = pids_of([isolation.run(prepared("pid"))[0]])
        assert {it for it in pids if is_alive(it)} == last


def test_a_child_outlives_the_thread_that_first_needed_it(
    isolation: Isolation, prepared: Prepared
) -> None:
    """A lane may end; what it had started is at work for others."""
    first = pids_of(side_by_side(isolation, [prepared("pid")]))
    assert pids_of(side_by_side(isolation, [prepared("pid")])) == first


def test_a_flow_with_a_limit_shares_its_children_with_no_other(
    isolation: Isolation, prepared: Prepared
) -> None:
    """It would count as its memory what the others have imported."""
    names = ("pid", "other", "limited", "limited_too", "limited")
    free, other, limited, too, again = (
        pids_of([isolation.run(prepared(name))[0]]) for name in names
    )
    assert free == other
    assert limited == again
    assert len(free | limited | too) == 3


# ----------------------------------------------------------- what blocks


@BLOCKS
def test_a_record_that_blocks_is_killed_at_its_timeout(
    isolation: Isolation, prepared: Prepared, tmp_path: Path, how: str
) -> None:
    record = {"log": str(tmp_path / "pid"), "how": how}
    assert isolation.run(prepared("block", record, timeout=0.3))[0] == TimedOut(0.3)
    assert len(pids_of([isolation.run(prepared("pid"))[0]])) == 1, "another child is there"


@BLOCKS
def test_a_record_that_blocks_is_killed_when_it_is_told_to_stop(
    isolation: Isolation, prepared: Prepared, tmp_path: Path, how: str
) -> None:
    log, canceled, ends = tmp_path / "pid", Cancellation(), []
    call = prepared("block", {"log": str(log), "how": how}, canceled=canceled)
    thread = Thread(target=lambda: ends.append(isolation.run(call)[0]), daemon=True)
    thread.start()
    pid = wait_for(log)
    canceled.set("batch canceled")
    thread.join(PATIENCE)
    assert ends == [Interrupted("batch canceled")]
    assert not is_alive(pid)


@needs_proc
@BLOCKS
def test_no_child_outlives_a_parent_that_is_killed(
    write: Write, prepared: Prepared, tmp_path: Path, how: str
) -> None:
    prepared("pid")
    log = tmp_path / "pid"
    parent = subprocess.Popen([sys.executable, str(write("parent.py", PARENT)), str(log), how])
    pid = wait_for(log)
    parent.kill()
    parent.wait()
    wait_for_the_end_of(pid)


def test_closing_ends_all_children_also_those_at_work(prepared: Prepared, tmp_path: Path) -> None:
    isolation, log = Isolation(), tmp_path / "pid"
    idle = pids_of(
        side_by_side(isolation, [prepared("meet", {"folder": str(tmp_path / "a"), "many": 2})] * 2)
    )
    call = prepared("block", {"log": str(log), "how": "pauses"})
    thread = Thread(target=run_until_closed, args=(isolation, call), daemon=True)
    thread.start()
    busy = wait_for(log)
    isolation.close()
    assert not any(is_alive(it) for it in {*idle, busy})


def run_until_closed(isolation: Isolation, call: Call) -> None:
    try:
        isolation.run(call)
    except IsolationClosed:
        return


APART = """\
import ctypes, os, signal, time
from pathlib import Path
from fanfold import flow

@flow(isolation="process")
def meet(record):
    folder = Path(record["folder"])
    folder.mkdir(exist_ok=True)
    (folder / str(os.getpid())).touch()
    while len(list(folder.iterdir())) < record["many"]:
        time.sleep(0.005)
    return os.getpid()

@flow(isolation="process")
def pid(record):
    return os.getpid()

@flow(isolation="process")
def other(record):
    return os.getpid()

@flow(isolation="process", memory="1GiB")
def limited(record):
    return os.getpid()

@flow(isolation="process", memory="1GiB")
def limited_too(record):
    return os.getpid()

@flow
def suspected(record):
    return meet.fn(record)

@flow(isolation="process")
def block(record):
    Path(record["log"]).write_text(f"{os.getpid()}\\n")
    while True:
        match record["how"]:
            case "pauses":
                signal.pause()
            case "loops":
                pass
            case "sleeps in C":
                ctypes.CDLL(None).sleep(3600)
            case "lets no thread run":
                ctypes.PyDLL(None).sleep(3600)
"""
PARENT = """\
import sys
from fanfold.domain.flow import FlowRef
from fanfold.execution.call import Call
from fanfold.execution.context import Context
from fanfold.execution.isolation import Isolation, IsolationClosed
from fanfold.execution.library import Library

flow = Library().find("apart.py:block").flow
context = Context(batch_id="b", run_id="r", index=0)
record = {"log": sys.argv[1], "how": sys.argv[2]}
Isolation().run(Call(flow, FlowRef("block", "1", ""), record, context, None))
"""
