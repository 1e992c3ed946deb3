"""Quick flows: the intake runs them itself, and steps aside when one is not quick."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from threading import current_thread

import pytest

from fanfold.testing.home import Home
from fanfold.testing.puppet import marks
from fanfold.testing.working import until, working
from fanfold.wiring import EMBEDDED
from fanfold.worker.worker import Worker

PUPPET = "fanfold.testing.puppet:puppet"
ECHO = "fanfold.flows.echo:echo"
QUICK = 3000


def get_quick(home: Home, worker: Worker) -> None:
    """Have it run so many quick records that it counts on the next ones to be quick."""
    batch = home.create([{"do": "ok"}] * QUICK, PUPPET)
    until(lambda: home.ports.batches.get(batch.id).ended)
    home.assert_whole(batch, QUICK)
    # under load a machine's runs are not quick; what follows must hold for those that are
    worker._hand.median_seconds = worker._hand.mean_seconds = 1e-6


def at_once(log: str) -> int:
    """How many runs were executing at the same time, at most."""
    now = most = 0
    for mark in marks(log):
        now += 1 if mark.what == "start" else -1
        most = max(most, now)
    return most


@pytest.mark.parametrize("threads", [1, 3])
def test_no_more_run_at_once_than_there_are_places(home: Home, marked: str, threads: int) -> None:
    slow = {"do": "sleep", "seconds": 0.05, "log": marked}
    with working(home.ports, threads=threads) as (worker, _):
        get_quick(home, worker)
        batch = home.create([slow] * 12, PUPPET)
        until(lambda: home.ports.batches.get(batch.id).ended)
    home.assert_whole(batch, 12)
    assert at_once(marked) == threads


def test_a_slow_record_does_not_hold_up_the_quick_ones_around_it(
    home: Home, marked: str, gate: Path
) -> None:
    hanging = {"do": "hang", "gate": str(gate), "log": marked}
    with working(home.ports, threads=2) as (worker, _):
        get_quick(home, worker)
        batch = home.create([{"do": "ok"}] * 40 + [hanging] + [{"do": "ok"}] * 40, PUPPET)
        until(lambda: home.status(batch).counts.succeeded == 80)
        after = home.create([{"do": "ok"}] * 5, PUPPET)
        until(lambda: home.ports.batches.get(after.id).ended)
        assert len(marks(marked)) == 1
        gate.touch()
        until(lambda: home.ports.batches.get(batch.id).ended)
    home.assert_whole(batch, 81)


def test_an_intake_that_is_held_up_ends_with_the_run_that_held_it_up(
    home: Home, marked: str, gate: Path
) -> None:
    with working(home.ports, threads=2) as (worker, _):
        get_quick(home, worker)
        home.create([{"do": "hang", "gate": str(gate), "log": marked}], PUPPET)
        until(lambda: marks(marked) and len(worker._intake.threads) == 2)
        stuck = worker._intake.threads[0]
        gate.touch()
        until(lambda: not stuck.is_alive())


def test_draining_does_not_wait_for_the_quick_runs_that_have_not_begun(
    home: Home, marked: str, gate: Path
) -> None:
    hanging = {"do": "hang", "gate": str(gate), "log": marked}
    with working(home.ports, threads=1) as (worker, thread):
        get_quick(home, worker)
        batch = home.create([hanging, *[{"do": "ok", "log": marked}] * 50], PUPPET)
        until(lambda: marks(marked))
        worker.stop()
        gate.touch()
        until(lambda: not thread.is_alive())
    assert home.ports.runs.settled(batch.id) == 1
    assert len(marks(marked)) == 2


def test_what_is_run_by_the_intake_is_settled_in_groups(home: Home) -> None:
    """Or each would pay for a commit."""
    with working(home.ports, threads=4) as (worker, _):
        get_quick(home, worker)
        before = home.ports.runs.settle
        sizes: list[int] = []

        def counted(batch: object, runs: list[object], *rest: object) -> object:
            sizes.append(len(runs))
            return before(batch, runs, *rest)  # type: ignore[arg-type]

        home.ports.runs.settle = counted  # type: ignore[method-assign, assignment]
        batch = home.create([{"n": n} for n in range(QUICK)], ECHO)
        until(lambda: home.ports.batches.get(batch.id).ended)
    assert sum(sizes) == QUICK
    assert max(sizes) > 50


@pytest.mark.parametrize("itself", [True, False])
def test_who_runs_quick_flows_settles_them_where_a_commit_is_near(
    home: Home, *, itself: bool
) -> None:
    """Across a network somebody else does, and more is run meanwhile."""
    policy = replace(EMBEDDED, settles_itself=itself)
    with working(home.ports, threads=4, policy=policy) as (worker, _):
        get_quick(home, worker)
        before = home.ports.runs.settle
        threads: set[str] = set()

        def noted(batch: object, runs: list[object], *rest: object) -> object:
            threads.add(current_thread().name)
            return before(batch, runs, *rest)  # type: ignore[arg-type]

        home.ports.runs.settle = noted  # type: ignore[method-assign, assignment]
        batch = home.create([{"n": n} for n in range(QUICK)], ECHO)
        until(lambda: home.ports.batches.get(batch.id).ended)
    assert ("fanfold-intake" in threads) is itself
