"""`fanfold worker` within bounds: what it takes on, and how long it takes to leave."""

from __future__ import annotations

import os
import signal
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from fanfold.engines.embedded.engine import embedded_engine
from fanfold.testing.puppet import marks

if TYPE_CHECKING:
    from tests.e2e.conftest import Fanfold, Going

RECORDS = 8


class Hanging:
    """A batch whose runs wait for a gate, and who is at them."""

    def __init__(self, fanfold: Fanfold, padding: int = 0) -> None:
        self._fanfold = fanfold
        self.gate, self._log = fanfold.folder / "gate", fanfold.folder / "marks"
        record = {"do": "hang", "gate": str(self.gate), "log": str(self._log), "p": "x" * padding}
        source = fanfold.write("records.jsonl", [record] * RECORDS)
        created = fanfold.inside("create", fanfold.puppet, source, "--timeout", "600")
        self.batch_id = created.out.strip()

    def begun(self) -> Counter[int]:
        """How many, by process."""
        return Counter(it.pid for it in marks(self._log) if it.what == "start")

    def by_others(self) -> Going:
        """Another worker takes what is left; when all have begun."""
        other = self._fanfold.start("worker", "--threads", str(RECORDS))
        other.until(lambda: self.begun().total() == RECORDS)
        return other

    def end(self, *workers: Going) -> None:
        self.gate.touch()
        for worker in workers:
            worker.until(lambda: self._fanfold.batches()[0]["status"] == "completed")
            worker.interrupt(signal.SIGTERM)
            assert worker.end().code == 0
        assert self._fanfold.batches()[0]["succeeded"] == RECORDS


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize(
    ("option", "value", "padding"), [("--max-messages", "2", 0), ("--max-bytes", "70KB", 50_000)]
)
def test_a_process_holds_no_more_than_it_may(
    fanfold: Fanfold, processes: int, option: str, value: str, padding: int
) -> None:
    hanging = Hanging(fanfold, padding)

    worker = fanfold.start("worker", "--processes", str(processes), "--threads", "8", option, value)
    worker.until(lambda: sorted(hanging.begun().values()) == [2] * processes)
    own = set(hanging.begun())
    other = hanging.by_others()

    assert [hanging.begun()[pid] for pid in own] == [2] * processes
    hanging.end(worker, other)


@pytest.mark.parametrize("most", ["1KiB", "0.001%"])
@pytest.mark.parametrize("processes", [1, 2])
def test_a_process_above_its_memory_leaves_the_work_to_others(
    fanfold: Fanfold, most: str, processes: int
) -> None:
    hanging = Hanging(fanfold)

    worker = fanfold.start("worker", "--processes", str(processes), "--max-memory", most)
    worker.until(lambda: worker.err.count("fanfold: worker.paused: nothing is pulled") == processes)
    other = hanging.by_others()

    assert set(hanging.begun()) == {other.process.pid}
    hanging.end(worker, other)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_run_that_takes_longer_than_the_grace_is_run_by_another_worker(
    fanfold: Fanfold, processes: int
) -> None:
    hanging = Hanging(fanfold)
    worker = fanfold.start(
        "worker", "--processes", str(processes), "--threads", "8", "--grace", "0.2s"
    )
    worker.until(lambda: hanging.begun().total() == RECORDS)

    worker.interrupt(signal.SIGTERM)
    ended = worker.end()  # the gate is shut: without the limit this does not return

    assert ended.code == 0
    assert "finishing what runs, for 0.2 s at most; Ctrl-C again ends now" in ended.err
    assert "worker.gave_back" in ended.err
    assert fanfold.batches()[0]["succeeded"] == 0
    hanging.gate.touch()
    assert fanfold("worker", "--until-idle").code == 0
    hanging.end()
    assert hanging.begun().total() == 2 * RECORDS, "each was begun once more"
    with embedded_engine(fanfold.home) as ports:
        runs = ports.runs.read(hanging.batch_id, range(RECORDS))
    assert [it.attempts for it in runs.values()] == [1] * RECORDS


def test_a_worker_ends_even_when_a_flow_has_threads_that_never_do(fanfold: Fanfold) -> None:
    """The interpreter would wait for those."""
    begun = fanfold.folder / "begun"
    fanfold.write_text(
        "endless.py",
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from pathlib import Path\n"
        "from threading import Event\n"
        "from fanfold import flow\n"
        "@flow\n"
        "def endless(record):\n"
        "    Path(record).touch()\n"
        "    ThreadPoolExecutor(1).submit(Event().wait).result()\n",
    )
    fanfold.inside("create", "endless.py", fanfold.write("one.jsonl", [str(begun)]))
    worker = fanfold.start("worker", "--grace", "0")
    worker.until(begun.exists)

    worker.interrupt(signal.SIGTERM)

    assert worker.end().code == 0


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--max-messages", "0", "'--max-messages': Input should be greater than or equal to 1"),
        ("--max-bytes", "lots", "--max-bytes lots: say a size such as 64MiB, 500MB, 1GiB"),
        ("--max-memory", "half", "or a share of the machine's such as 80%"),
        ("--max-load", "0", "--max-load 0: it must be above 0"),
        ("--grace", "soon", "--grace soon: say seconds, such as 30 or 30s, or 2m"),
    ],
)
def test_a_bound_that_is_none_is_refused_before_anything_starts(
    fanfold: Fanfold, option: str, value: str, said: str
) -> None:
    ended = fanfold.inside("worker", option, value)

    assert ended.code == 2
    assert said in ended.err
    assert not fanfold.home.exists()


@pytest.mark.parametrize("processes", ["1", "2"])
def test_where_nobody_tells_the_load_it_cannot_be_a_bound(
    fanfold: Fanfold, monkeypatch: pytest.MonkeyPatch, processes: str
) -> None:
    def untold() -> tuple[float, float, float]:
        raise OSError("as on some systems")

    monkeypatch.setattr(os, "getloadavg", untold)

    ended = fanfold.inside("worker", "--processes", processes, "--max-load", "2")

    assert ended.code == 2
    assert ended.err == "fanfold: this machine tells no load average. Leave --max-load out\n"
