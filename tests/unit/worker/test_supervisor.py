"""Processes that are kept alive, and let go."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from fanfold.testing.working import until
from fanfold.worker.supervisor import Supervisor

_BEGIN = """
import os, signal, sys, time
from pathlib import Path

folder = Path(sys.argv[1])

def work():
    "Say that it has begun, and work until the tether ends."
    os.write(0, b".")
    note("working")
    try:
        while os.read(0, 1):
            pass
    except OSError:
        pass  # what it had said was never read
    note("untethered")

def note(what):
    with (folder / "notes").open("a") as file:
        file.write(f"{os.getpid()} {what}\\n")
"""

Supervise = Callable[..., Supervisor]


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Supervise]:
    """A supervisor of children that run a Python text."""
    supervisors: list[Supervisor] = []

    def of(text: str, processes: int = 2, *, behind: bool = False) -> Supervisor:
        command = [sys.executable, "-S", "-c", _BEGIN + dedent(text), str(tmp_path)]
        supervisors.append(Supervisor(command, processes, behind=behind))
        supervisors[-1].start()
        return supervisors[-1]

    yield of
    for it in supervisors:
        it.kill()
        it.wait()


@pytest.fixture
def notes(tmp_path: Path) -> Callable[[str], list[int]]:
    """The processes that noted so, in order."""

    def of(what: str) -> list[int]:
        file = tmp_path / "notes"
        lines = file.read_text().splitlines() if file.exists() else []
        return [int(pid) for pid, noted in map(str.split, lines) if noted == what]

    return of


Notes = Callable[[str], list[int]]


def test_so_many_processes_work_as_were_asked_for(supervise: Supervise, notes: Notes) -> None:
    supervisor = supervise("work()", processes=3)
    until(lambda: len(notes("working")) == 3)
    supervisor.start()
    assert supervisor.tend()
    assert (len(set(notes("working"))), supervisor.restarts) == (3, 0)


def test_a_child_that_dies_at_work_is_started_again_however_often(
    supervise: Supervise, notes: Notes
) -> None:
    supervisor = supervise("work()", processes=1)
    for died in range(10):
        until(lambda died=died: len(notes("working")) == died + 1)  # type: ignore[misc]
        os.kill(notes("working")[-1], signal.SIGKILL)
        until(lambda died=died: supervisor.tend() and supervisor.restarts == died + 1)  # type: ignore[misc]
    assert not supervisor.gave_up, "it did work each time"
    until(lambda: len(notes("working")) == 11)


def test_children_that_keep_dying_before_they_work_are_given_up(supervise: Supervise) -> None:
    supervisor = supervise("sys.exit(3)", processes=2)
    until(lambda: not supervisor.tend())
    assert supervisor.gave_up
    assert supervisor.restarts <= 8, "it does not go on and on"


def test_one_that_works_in_between_is_reason_to_go_on(supervise: Supervise, tmp_path: Path) -> None:
    supervisor = supervise(
        """
        lives = folder / "lives"
        number = len(lives.read_text()) if lives.exists() else 0
        lives.write_text("x" * (number + 1))
        if number % 3 == 2:
            os.write(0, b".")
        if number == 20:
            work()
        sys.exit(3)
        """,
        processes=1,
    )
    lives = tmp_path / "lives"
    until(lambda: supervisor.tend() and lives.exists() and len(lives.read_text()) == 21)
    assert not supervisor.gave_up


def test_children_that_end_in_good_order_are_not_started_again(supervise: Supervise) -> None:
    supervisor = supervise("os.write(0, b'.')", processes=2)
    until(lambda: not supervisor.tend())
    assert (supervisor.restarts, supervisor.gave_up) == (0, False)


def test_draining_tells_the_children_and_starts_none_again(
    supervise: Supervise, notes: Notes
) -> None:
    supervisor = supervise(
        """
        signal.signal(signal.SIGTERM, lambda *_: (note("told"), sys.exit(3)))
        work()
        """
    )
    until(lambda: len(notes("working")) == 2)
    supervisor.drain()
    until(lambda: not supervisor.tend())
    assert supervisor.wait(60)
    assert (len(notes("told")), supervisor.restarts) == (2, 0)


def test_waiting_has_an_end(supervise: Supervise, notes: Notes) -> None:
    supervisor = supervise("work()", processes=1)
    until(lambda: notes("working"))
    assert not supervisor.wait(0.01)
    supervisor.kill()
    assert supervisor.wait(60)


def test_children_hear_no_ctrl_c_of_the_terminal_s(supervise: Supervise, notes: Notes) -> None:
    supervise("work()", processes=1)
    until(lambda: notes("working"))
    (child,) = notes("working")
    assert os.getsid(child) != os.getsid(0), "a session of its own"


def test_the_children_of_a_supervisor_that_is_killed_let_go_by_themselves(
    tmp_path: Path, notes: Notes
) -> None:
    child = [sys.executable, "-S", "-c", _BEGIN + "work()", str(tmp_path)]
    text = f"""
import time
from fanfold.worker.supervisor import Supervisor

supervisor = Supervisor({child!r}, 2)
supervisor.start()
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", text])
    until(lambda: len(notes("working")) == 2)
    parent.kill()
    parent.wait()
    until(lambda: len(notes("untethered")) == 2)
    assert sorted(notes("untethered")) == sorted(notes("working"))


def test_a_child_s_environment_and_output_are_as_given(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as out:
        supervisor = Supervisor(
            [sys.executable, "-S", "-c", "import os; print(os.environ['COLOR'])"],
            1,
            env={"COLOR": "green"},
            output=out.fileno(),
        )
        supervisor.start()
        assert supervisor.wait(60)
    assert (tmp_path / "out").read_text() == "green\n"


@pytest.mark.parametrize(("behind", "nice"), [(False, 0), (True, 10)])
def test_children_that_go_behind_give_way_to_whoever_else_is_there(
    supervise: Supervise, behind: bool, nice: int
) -> None:
    supervisor = supervise("work()", behind=behind)
    supervisor.start()
    for pid in supervisor.pids:
        assert os.getpriority(os.PRIO_PROCESS, pid) == os.getpriority(os.PRIO_PROCESS, 0) + nice
        group = Path(f"/proc/{pid}/autogroup")
        if group.exists() and behind:
            assert group.read_text().split()[-1] == str(nice)
