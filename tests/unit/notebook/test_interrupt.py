"""Ctrl-C in a script: a process of its own, interrupted as a terminal does it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from fanfold.ports import Ports
from fanfold.testing.puppet import marks
from fanfold.testing.working import until

SCRIPT = """
import sys, time
from pathlib import Path
from fanfold import flow, resume_batch, run_batch
from fanfold.notebook.labor import Labor

log, gate = sys.argv[1:3]
stop = Labor.stop

def told(labor):
    stop(labor)
    Path(log + ".told").touch()

Labor.stop = told  # so that the gate is opened no sooner than nothing new begins

@flow(timeout=60)
def slow(record, ctx):
    def mark(what):
        with open(log, "a") as file:
            file.write(f"{ctx.index} {ctx.attempt} 0 {what}\\n")
    mark("start")
    while not Path(gate).exists():
        time.sleep(0.005)
    mark("end")
    return record

if __name__ == "__main__":
    if len(sys.argv) > 3:
        print(resume_batch(sys.argv[3], slow).outputs == list(range(20)))
    else:
        run_batch(slow, range(20), threads=4)
"""

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    script = tmp_path / "script.py"
    script.write_text(dedent(SCRIPT))
    started = []

    def run(*more: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, str(script), str(tmp_path / "log"), str(tmp_path / "gate"), *more],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def test_ctrl_c_finishes_what_runs_and_the_rest_goes_on_later(
    start: Start, ports: Ports, tmp_path: Path
) -> None:
    process = start()
    until(lambda: len(marks(tmp_path / "log")) == 4)
    process.send_signal(signal.SIGINT)
    until((tmp_path / "log.told").exists)
    (tmp_path / "gate").touch()
    _, told = process.communicate(timeout=60)
    (batch,) = ports.batches.find()
    assert told.splitlines()[-2:] == [
        "KeyboardInterrupt",
        f"{batch.id} is kept. Go on: resume_batch('{batch.id}', slow)",
    ]
    found = marks(tmp_path / "log")
    assert [it.what for it in found].count("start") == [it.what for it in found].count("end")
    assert batch.is_open
    settled = ports.runs.tally(batch.id).settled
    assert 4 <= settled < 20
    out, _ = start(batch.id).communicate(timeout=60)
    assert out == "True\n"
    ran = [it.index for it in marks(tmp_path / "log") if it.what == "start"]
    assert sorted(ran) == list(range(20))  # each of them once


def test_a_second_ctrl_c_does_not_wait_for_what_runs(
    start: Start, ports: Ports, tmp_path: Path
) -> None:
    process = start()
    until(lambda: len(marks(tmp_path / "log")) == 4)

    def interrupted() -> bool:
        process.send_signal(signal.SIGINT)
        return process.poll() is not None

    until(interrupted)
    assert [it.what for it in marks(tmp_path / "log")] == ["start"] * 4
    (batch,) = ports.batches.find()
    assert batch.is_open
    (tmp_path / "gate").touch()
    out, _ = start(batch.id).communicate(timeout=60)
    assert out == "True\n"
