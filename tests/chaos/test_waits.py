"""Runs that wait, and processes that die: nothing is forgotten, done twice or left behind.

The sweep is off, so that it cannot hide a hole in the protocol.
"""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.run import RunState
from fanfold.folds.stream import stream_results
from fanfold.steps.answer import answer, open_questions
from fanfold.steps.family import children_of, family_of
from fanfold.steps.retry import Selection, retry
from fanfold.steps.stop import cancel
from fanfold.testing.home import Home
from fanfold.testing.working import until
from fanfold.wiring import EMBEDDED

FLOWS = Path(__file__).with_name("waits.py")
ITEMS = 5


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return tmp_path / "notes"


def lines(notes: Path) -> list[str]:
    return notes.read_text().splitlines() if notes.exists() else []


def outputs(home: Home, batch: Batch) -> list[Any]:
    ports = home.ports
    batch = ports.batches.get(batch.id)
    return [it.output for it in stream_results(ports.runs, ports.batches, ports.blobs, batch)]


def test_a_run_waits_for_somebody_while_every_process_is_started_anew(
    home: Home, notes: Path
) -> None:
    batch = home.create([{"notes": str(notes)}], f"{FLOWS}:asking", interactive=True)
    first = home.start()
    until(lambda: list(open_questions(home.ports, batch)))
    first.kill()
    (asked,) = open_questions(home.ports, home.ports.batches.get(batch.id))
    assert (asked.name, asked.question.text) == ("approve/Buy for 17?", "Buy for 17?")
    assert home.status(batch).counts.waiting == 1

    answer(home.ports, EMBEDDED, batch, 0, "gladly", by="ann")
    assert home.work() == 0
    home.assert_whole(batch, 1)
    assert outputs(home, batch) == ["gladly"]
    # whoever was killed may not have acked yet: what is behind the answer may be done twice
    assert lines(notes)[:3] == ["begun", "priced", "answered"]
    assert set(lines(notes)[3:]) <= {"answered"}


def test_a_step_is_remembered_by_who_comes_after_a_process_that_died(
    embedded_home: Home, notes: Path
) -> None:
    """It has remembered, and dies before it can wait. (Google's engine finds that out when the
    lease ends.)"""
    home = embedded_home
    batch = home.create([{"notes": str(notes)}], f"{FLOWS}:asking", interactive=True)
    assert home.work(("leases", "wait", "before", 1, None)) == -signal.SIGKILL
    home.forget_the_dead()
    second = home.start()
    until(lambda: list(open_questions(home.ports, batch)))
    second.kill()
    assert lines(notes).count("priced") == 1


@pytest.mark.parametrize(
    "fault",
    [
        ("batches", "create", "before", 1, None),
        ("batches", "create", "after", 1, None),
        ("leases", "wait", "before", 1, None),
        ("leases", "wait", "after", 1, None),
        ("leases", "amend", "before", 1, None),
        ("leases", "amend", "after", 1, None),
        ("batches", "close", "before", 1, None),
        ("batches", "close", "after", 1, None),
    ],
    ids=lambda fault: "-".join(map(str, fault[:3])),
)
def test_a_scattered_run_ends_whole_wherever_a_process_dies(
    home: Home, notes: Path, fault: tuple[Any, ...]
) -> None:
    records = [{"notes": str(notes), "items": ITEMS} for _ in range(3)]
    # the stand-in takes its time: with a limit, which takes the longer ways
    limit = 1 if home.settings is not None else None
    batch = home.create(records, f"{FLOWS}:scattering", concurrency=limit)
    assert home.work(fault) == -signal.SIGKILL, "the fault was never reached"
    assert home.work() == 0
    home.assert_whole(batch, 3)
    assert outputs(home, batch) == [20, 20, 20]
    (level,) = family_of(home.ports, batch)
    assert (level.part, dict(level.batches)) == ("double", {"completed": 3})
    assert level.counts.succeeded == level.counts.total == 3 * ITEMS
    for child in children_of(home.ports, batch.id):
        home.assert_whole(child, ITEMS)


def test_ten_thousand_items_are_a_batch_of_their_own_and_come_back_in_order(home: Home) -> None:
    items = 10_000
    batch = home.create([items, 3], f"{FLOWS}:many")
    workers = [home.start(threads=8) for _ in range(2)]
    assert [it.wait(110) for it in workers] == [0, 0]
    home.assert_whole(batch, 2)
    assert outputs(home, batch) == [items * (items - 1), 6]
    for child in children_of(home.ports, batch.id):
        home.assert_whole(child, child.known_total)


def test_duplicate_deliveries_make_no_second_child(home: Home, notes: Path) -> None:
    batch = home.create([{"notes": str(notes), "items": ITEMS}] * 3, f"{FLOWS}:scattering")
    assert home.work(act="twice") == 0
    home.assert_whole(batch, 3)
    assert len(list(children_of(home.ports, batch.id))) == 3


def test_a_failed_item_fails_the_run_and_says_where_to_look(home: Home, notes: Path) -> None:
    records = [{"notes": str(notes), "items": ITEMS, "bad": bad} for bad in (None, 3)]
    batch = home.create(records, f"{FLOWS}:scattering")
    assert home.work() == 0
    status = home.status(batch)
    assert (status.counts.succeeded, status.counts.failed) == (1, 1)
    (group,) = status.tally.errors.values()
    bad = next(it for it in children_of(home.ports, batch.id) if it.closed and it.closed.failed)
    assert group.example == (
        f"node double: 1 of 5 items failed, the first at 3: Permanent: this one is "
        f"bad; see `fanfold errors {bad.id}`"
    )


def test_a_retry_runs_again_what_failed_far_below_and_nothing_else(home: Home, notes: Path) -> None:
    records = [{"notes": str(notes), "items": ITEMS, "bad": bad} for bad in (3, None)]
    batch = home.create(records, f"{FLOWS}:scattering")
    assert home.work() == 0
    before = {it.id for it in children_of(home.ports, batch.id)}
    retry(
        home.ports, batch.id, Selection(states=frozenset({RunState.FAILED})),
        {"parameters": {"mended": True}},
    )  # fmt: skip
    assert home.work() == 0
    home.assert_whole(batch, 2)
    assert outputs(home, batch) == [20, 20]
    children = list(children_of(home.ports, batch.id))
    assert {it.id for it in children} == before
    assert sorted(it.generation for it in children) == [1, 2]
    again = next(it for it in children if it.generation == 2)
    assert again.chosen is not None
    assert again.chosen.records == 1, "the one that had failed"


@pytest.mark.parametrize("fault", [None, ("batches", "find", "after", 2, None)])
def test_a_cancel_goes_all_the_way_down(
    home: Home, notes: Path, fault: tuple[Any, ...] | None
) -> None:
    batch = home.create([{"notes": str(notes), "items": 2}], f"{FLOWS}:nested")
    worker = home.start(threads=16)

    def hangs() -> bool:
        levels = family_of(home.ports, batch)
        return len(levels) == 2 and levels[1].batches.get("running") == 2

    until(hangs)
    cancel(home.ports, batch.id)
    if fault is not None:
        worker.kill()
        home.work(fault)
        home.work()
    else:
        assert worker.wait() == 0
    assert home.ports.batches.get(batch.id).state is BatchState.CANCELED
    inner, hang = family_of(home.ports, batch)
    assert dict(inner.batches) == {"canceled": 1}
    assert dict(hang.batches) == {"canceled": 2}
    assert (inner.counts.canceled, hang.counts.canceled) == (2, 4)
