"""A program of our own: started, its end noticed, ended with all it has started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest

from fanfold.local.process import Process, end_all

Lives = Callable[[int], bool]
Until = Callable[[Callable[[], object]], None]

#: deaf to being told; it has a child, whose number it prints
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(subprocess.Popen(["sleep", "600"]).pid, flush=True)
time.sleep(600)
"""
#: starts a guarded program, says its number, and waits
PARENT = """
import sys, time
from pathlib import Path
from fanfold.local.guard import Guard
from fanfold.local.process import Process
with Guard() as guard:
    it = Process("sleeper", ["sleep", "600"], Path(sys.argv[1]), guard=guard)
    it.start()
    print(it.pid, guard.pid, flush=True)
    time.sleep(600)
"""


def python(program: str, log: Path) -> Process:
    return Process("program", [sys.executable, "-c", program], log)


def test_how_it_ended_is_told_with_its_last_words(tmp_path: Path, until: Until) -> None:
    process = python("import sys; print('first'); sys.exit('no such thing')", tmp_path / "log")
    process.start()
    until(process.ended)
    assert process.ended() == "exited with 1"
    assert process.last_words() == "no such thing"


def test_its_log_goes_on_when_it_is_started_again(tmp_path: Path, until: Until) -> None:
    process = python("print('begun')", tmp_path / "log")
    for _ in range(2):
        process.start()
        until(process.ended)
    assert process.log.read_text() == "begun\nbegun\n"


def test_what_it_started_ends_with_it(tmp_path: Path, until: Until, lives: Lives) -> None:
    process = python(STUBBORN, tmp_path / "log")
    process.start()
    until(lambda: process.log.read_text().endswith("\n"))
    child = int(process.log.read_text())
    os.kill(process.pid, signal.SIGKILL)
    until(process.ended)
    assert process.ended() == "was killed by SIGKILL"
    until(lambda: not lives(child))


def test_who_does_not_end_when_told_is_killed_with_its_children(
    tmp_path: Path, until: Until, lives: Lives
) -> None:
    process = python(STUBBORN, tmp_path / "log")
    process.start()
    until(lambda: process.log.read_text().endswith("\n"))
    child = int(process.log.read_text())
    end_all([process], 0.0)
    assert not lives(process.pid)
    until(lambda: not lives(child))


def test_what_was_never_started_is_ended_already(tmp_path: Path) -> None:
    process = Process("program", ["true"], tmp_path / "log")
    process.end(monotonic())
    assert process.ended() == "was never started"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_guard_ends_what_a_killed_parent_leaves(
    tmp_path: Path, until: Until, lives: Lives, number: signal.Signals
) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, tmp_path / "log"], stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout is not None
        sleeper, guard = map(int, parent.stdout.readline().split())
        assert lives(sleeper)
        parent.send_signal(number)
    until(lambda: not lives(sleeper))
    until(lambda: not lives(guard))
