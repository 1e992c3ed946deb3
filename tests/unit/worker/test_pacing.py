"""A batch with a rate, on each engine: attempts begin in turns of their own, and not before.

A run notes when it began, which is never before its turn: so, whatever holds the machine up, the
n-th of all beginnings is no sooner than the n-th turn after the batch was created.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fanfold.domain.batch import Batch
from fanfold.domain.rate import Turn, lateness
from fanfold.domain.run import Run, RunState
from fanfold.engines.system import SystemClock
from fanfold.execution.isolation import Isolation
from fanfold.execution.library import Library
from fanfold.ports import Station
from fanfold.steps.ask import Duty
from fanfold.steps.change import change
from fanfold.steps.pause import pause, resume
from fanfold.steps.policy import Policy
from fanfold.steps.run_flow import Job, decode
from fanfold.steps.status import status_of
from fanfold.steps.stop import cancel, wind_down
from fanfold.steps.views import Views
from fanfold.testing.clock import StillClock
from fanfold.testing.home import Home
from fanfold.testing.puppet import marks
from fanfold.testing.stations import fanned_out
from fanfold.testing.working import until, working
from fanfold.wiring import EMBEDDED, GOOGLE
from fanfold.worker.hand import Hand
from fanfold.worker.lanes import Lanes
from fanfold.worker.pacing import Pacing
from fanfold.worker.parking import Parking
from fanfold.worker.quick import Quick
from fanfold.worker.ready import Ready
from fanfold.worker.stopping import Stopping
from fanfold.worker.ways_out import WaysOut
from tests.unit.steps.both import ENGINES, opened

PUPPET = "fanfold.testing.puppet:puppet"
ASYNC = "fanfold.testing.puppet:async_puppet"
NOOP = "fanfold.flows.noop:noop"
FLOWS = f"{Path(__file__).with_name('paced.py')}"

OK = {"do": "ok"}
#: as far as a clock that counts in floats may be off
_MOMENT = 0.002


@pytest.fixture(params=ENGINES)
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Home]:
    with opened(request.param, tmp_path, SystemClock()) as ports:
        yield Home(tmp_path / "home", ports)


@pytest.fixture
def policy(home: Home) -> Policy:
    """The engine's own, but that nobody waits to look, and whoever waits for a turn waits
    in the process."""
    own = EMBEDDED if home.ports.runs.reads_ahead == 0 else GOOGLE
    return replace(
        own,
        pull_seconds=0.05,
        wake_seconds=0.02,
        idle_seconds=0.05,
        view_seconds=0.05,
        wait_in_place=3600.0,
    )


def runs_of(home: Home, batch: Batch) -> list[Run]:
    total = home.ports.batches.get(batch.id).known_total
    return list(home.ports.runs.read(batch.id, range(total)).values())


def has_ended(home: Home, batch: Batch) -> bool:
    return home.ports.batches.get(batch.id).ended


def assert_in_turns(home: Home, batch: Batch, rate: float) -> None:
    begun = sorted(run.started_at for run in runs_of(home, batch))
    for number, at in enumerate(begun):
        assert at >= batch.created_at + number / rate - _MOMENT


def succeeded(home: Home, batch: Batch) -> int:
    return home.ports.runs.tally(batch.id).succeeded


# ------------------------------------------------------------------- turns


@pytest.mark.parametrize(
    ("place", "records"),
    [
        (PUPPET, [{"do": "sleep", "seconds": 0.002}] * 20),
        (ASYNC, [{"do": "asleep", "seconds": 0.002}] * 20),
        (NOOP, [{"n": 1}] * 20),
        (f"{FLOWS}:isolated", [1] * 20),
        (f"{FLOWS}:exclusive", [1] * 20),
    ],
    ids=["sync", "async", "quick", "isolated", "exclusive"],
)
def test_attempts_begin_one_after_the_other_as_the_rate_has_it(
    home: Home, policy: Policy, place: str, records: list[Any]
) -> None:
    batch = home.create(records, place, rate="40/s")
    with working(home.ports, threads=8, policy=policy):
        until(lambda: has_ended(home, batch))
    home.assert_whole(batch, 20)
    assert_in_turns(home, batch, 40.0)


def test_runs_that_were_quick_until_then_begin_in_their_turns_too(
    home: Home, policy: Policy
) -> None:
    """The worker runs quick flows by another way, which it has found out to be the better one."""
    with working(home.ports, threads=8, policy=policy):
        many = home.create([{"n": 1}] * 500, NOOP)
        until(lambda: has_ended(home, many))
        batch = home.create([{"n": 1}] * 20, NOOP, rate="40/s")
        until(lambda: has_ended(home, batch))
    home.assert_whole(batch, 20)
    assert_in_turns(home, batch, 40.0)


def test_two_workers_share_one_rate(home: Home, policy: Policy, marked: str) -> None:
    records = [{"do": "sleep", "seconds": 0.002, "log": marked}] * 40
    batch = home.create(records, PUPPET, rate="50/s")
    with (
        working(home.ports, threads=4, policy=policy),
        working(home.ports, threads=4, policy=policy),
    ):
        until(lambda: has_ended(home, batch))
    home.assert_whole(batch, 40)
    assert_in_turns(home, batch, 50.0)


@pytest.mark.parametrize("fate", ["flaky", "rate-limited"])
def test_each_attempt_takes_a_turn_also_one_that_burns_nothing(
    home: Home, policy: Policy, fate: str
) -> None:
    record = {"flaky": {"do": "flaky", "until": 3}, "rate-limited": {
        "do": "rate-limited", "times": 2, "after": 0.001}}[fate]  # fmt: skip
    batch = home.create([record] * 5, PUPPET, rate="30/s")
    with working(home.ports, threads=8, policy=policy):
        until(lambda: has_ended(home, batch))
    home.assert_whole(batch, 5)
    attempts = 15
    ended = max(run.ended_at for run in runs_of(home, batch))
    assert ended >= batch.created_at + (attempts - 1) / 30 - _MOMENT
    burnt = 15 if fate == "flaky" else 5
    assert home.ports.runs.tally(batch.id).attempts == burnt


def test_a_batch_without_a_rate_is_not_held_up_by_one_that_has_one(
    home: Home, policy: Policy
) -> None:
    slow = home.create([OK] * 10, PUPPET, rate="1/h")
    with working(home.ports, threads=2, policy=policy):
        until(lambda: succeeded(home, slow) == 1)
        batch = home.create([OK] * 50, PUPPET)
        until(lambda: has_ended(home, batch))
        assert succeeded(home, slow) == 1
    home.assert_whole(batch, 50)


# ----------------------------------------------------------- while they wait


def test_who_waits_for_a_turn_is_queued_has_burnt_nothing_and_adds_up(
    home: Home, policy: Policy
) -> None:
    batch = home.create([OK] * 5, PUPPET, rate="2/min")
    with working(home.ports, threads=2, policy=policy):
        until(lambda: succeeded(home, batch) == 1)
        until(lambda: home.ports.batches.get(batch.id).sealed)
        status = status_of(home.ports, batch.id)
        assert (status.counts.queued, status.counts.running, status.counts.waiting) == (4, 0, 0)
        assert status.tally.attempts == 1


def test_a_run_that_has_its_lease_is_told_as_running(
    home: Home, policy: Policy, gate: Path
) -> None:
    batch = home.create([{"do": "hang", "gate": str(gate)}] * 5, PUPPET, rate="2/min")
    eager = replace(policy, lease_after=0.0)
    with working(home.ports, threads=2, policy=eager):
        until(lambda: status_of(home.ports, batch.id).counts.running == 1)
        until(lambda: home.ports.batches.get(batch.id).sealed)
        counts = status_of(home.ports, batch.id).counts
        assert (counts.running, counts.queued) == (1, 4)
        gate.touch()
        cancel(home.ports, batch.id)


def test_a_retry_that_waits_longer_for_its_turn_than_its_lease_lasts_runs_once(
    home: Home, policy: Policy, marked: str
) -> None:
    """Nobody takes it for lost and publishes it a second time."""
    batch = home.create([{"log": marked}] * 3, f"{FLOWS}:second_time", rate="1/s")
    brief = replace(policy, lease_after=0.0, lease_seconds=0.6, turns_ahead=0.0)
    with working(home.ports, threads=4, policy=brief):
        until(lambda: has_ended(home, batch))
    home.assert_whole(batch, 3)
    begun = sorted(Path(marked).read_text().splitlines())
    assert begun == ["0 1", "0 2", "1 1", "1 2", "2 1", "2 2"]


def test_a_cancel_ends_those_who_wait_for_their_turn(home: Home, policy: Policy) -> None:
    batch = home.create([OK] * 5, PUPPET, rate="2/min")
    with working(home.ports, threads=2, policy=policy, until_idle=True) as (_, thread):
        until(lambda: succeeded(home, batch) == 1)
        cancel(home.ports, batch.id, "enough")
        until(lambda: not thread.is_alive())
    counts = status_of(home.ports, batch.id).counts
    assert (counts.succeeded, counts.canceled) == (1, 4)


def test_a_cancel_with_grace_does_not_wait_for_them(home: Home, policy: Policy) -> None:
    """None of them has begun, and none is to."""
    batch = home.create([OK] * 5, PUPPET, rate="2/min")
    with working(home.ports, threads=2, policy=policy):
        until(lambda: succeeded(home, batch) == 1)
        wind_down(home.ports, batch.id, grace=3600.0)
        until(lambda: has_ended(home, batch))
    counts = status_of(home.ports, batch.id).counts
    assert (counts.succeeded, counts.canceled) == (1, 4)


def test_a_pause_puts_them_aside_until_it_is_resumed(home: Home, policy: Policy) -> None:
    batch = home.create([OK] * 5, PUPPET, rate="2/min")
    with working(home.ports, threads=2, policy=policy):
        until(lambda: succeeded(home, batch) == 1)
        pause(home.ports, batch.id)
        until(lambda: status_of(home.ports, batch.id).counts.waiting == 4)
        change(home.ports, batch.id, {"rate": "1000/s"})
        resume(home.ports, batch.id)
        until(lambda: has_ended(home, batch))
    home.assert_whole(batch, 5)


def test_a_drain_gives_them_back_at_once(home: Home, policy: Policy) -> None:
    batch = home.create([OK] * 5, PUPPET, rate="2/min")
    with working(home.ports, threads=2, policy=policy) as (worker, thread):
        until(lambda: succeeded(home, batch) == 1)
        worker.stop()
        until(lambda: not thread.is_alive(), patience=20.0)  # no turn would come before that
    assert status_of(home.ports, batch.id).counts.queued == 4
    change(home.ports, batch.id, {"rate": None})
    with working(home.ports, threads=2, policy=policy):
        until(lambda: has_ended(home, batch))
    home.assert_whole(batch, 5)


# --------------------------------------------------------------- other rates


@pytest.mark.parametrize("rate", ["500/s", None], ids=["higher", "none"])
def test_a_higher_rate_holds_at_once(home: Home, policy: Policy, rate: str | None) -> None:
    batch = home.create([OK] * 8, PUPPET, rate="2/min")
    with working(home.ports, threads=2, policy=policy):
        until(lambda: succeeded(home, batch) == 1)
        change(home.ports, batch.id, {"rate": rate})
        until(lambda: has_ended(home, batch), patience=25.0)  # before the second turn there was
    home.assert_whole(batch, 8)


def test_a_lower_rate_holds_after_the_turns_that_are_given_away(home: Home, policy: Policy) -> None:
    batch = home.create([OK] * 2000, PUPPET, rate="50/s")
    ports, ahead = home.ports, 0.2
    with working(ports, threads=2, policy=replace(policy, turns_ahead=ahead)):
        until(lambda: succeeded(home, batch) > 2)
        change(ports, batch.id, {"rate": "1/h"})

        def is_an_hour_away() -> bool:
            next_one = ports.frontier.reserve(batch.id, 0, 3600.0, ahead, ports.clock.now()).first
            return next_one - ports.clock.now() < 3599.0

        # the last turn is more than a second ago: at fifty a second there were others since
        until(is_an_hour_away)
        assert not has_ended(home, batch)
        assert succeeded(home, batch) < 2000
        cancel(ports, batch.id, "seen enough")
        until(lambda: has_ended(home, batch))


# ------------------------------------------------------------------ far away


def test_who_would_wait_too_long_in_the_process_is_queued_again_and_keeps_its_place(
    home: Home, policy: Policy
) -> None:
    """Else another record would be let out in its stead, and so on to the last."""
    batch = home.create([OK] * 50, PUPPET, rate="2/min", concurrency=6)
    hasty = replace(policy, wait_in_place=0.01, aside_seconds=3600.0)
    with working(home.ports, threads=2, policy=hasty):
        until(lambda: succeeded(home, batch) == 1)
        until(lambda: len(home.ports.leases.lives(batch.id, range(50))) == 6)
        assert home.ports.frontier.window(batch.id).released == 7
        lives = home.ports.leases.lives(batch.id, range(50)).values()
        assert {it.state for it in lives} == {RunState.QUEUED}
        counts = status_of(home.ports, batch.id).counts
        assert (counts.queued, counts.running, counts.waiting) == (49, 0, 0)
        assert not home.ports.queue.pull(Station.RUNS, 10)


def test_it_comes_back_when_its_time_is_near_with_the_attempts_it_had(
    home: Home, policy: Policy, marked: str
) -> None:
    records = [{"do": "flaky", "until": 2, "log": marked}] * 4
    batch = home.create(records, PUPPET, rate="4/s")
    hasty = replace(policy, wait_in_place=0.3, aside_seconds=0.05, turns_ahead=0.1)
    with working(home.ports, threads=2, policy=hasty):
        until(lambda: has_ended(home, batch))
    home.assert_whole(batch, 4)
    assert sorted((it.index, it.attempt) for it in marks(marked) if it.what == "start") == [
        (index, attempt) for index in range(4) for attempt in (1, 2)
    ]
    ended = max(run.ended_at for run in runs_of(home, batch))
    assert ended >= batch.created_at + 7 / 4 - _MOMENT


# ------------------------------------------------------------------ too late


def test_a_turn_that_is_past_is_lost_and_another_is_waited_for(still_home: Home) -> None:
    """Else runs that have waited for a lane would begin together."""
    ports, clock = still_home.ports, still_home.ports.clock
    assert isinstance(clock, StillClock)
    batch = still_home.create([OK] * 3, PUPPET, rate="10/s")
    views, out = Views(ports, EMBEDDED, Library()), WaysOut(ports, Duty(), Hand())
    pacing, jobs = Pacing(ports, EMBEDDED, views, Parking(), out), queued_jobs(still_home, batch)
    try:
        for job, late in zip(jobs, (0.0, 0.04, 0.06), strict=True):
            job.turn = Turn(clock.now() - late, 0.1)
        assert [pacing.begins(job) for job in jobs] == [True, True, False]
        assert [job.turn for job in jobs[:2]] == [None, None], "a turn is for one attempt"
        until(lambda: jobs[2].turn)
        turn = jobs[2].turn
        assert turn is not None
        assert turn.at == clock.now()
    finally:
        assert pacing.close() == []


def queued_jobs(home: Home, batch: Batch) -> list[Job]:
    """As they come out of the queue."""
    flow = Library().resolve(batch.flow)
    fanned_out(home.ports, batch)
    deliveries = home.ports.queue.pull(Station.RUNS, 10)
    return [Job(it, decode(it), batch, flow) for it in deliveries]


def test_lanes_that_come_free_together_do_not_begin_together(
    home: Home, policy: Policy, gate: Path, marked: str
) -> None:
    """The turns of those who waited for a lane are past."""
    hung = {"do": "hang", "gate": str(gate), "log": marked}
    batch = home.create([hung] * 4 + [OK] * 8, PUPPET, rate="20/s")
    ports, clock = home.ports, home.ports.clock
    with working(ports, threads=4, policy=policy):

        def are_past() -> bool:
            now = clock.now()
            return ports.frontier.reserve(batch.id, 0, 0.05, 0.0, now - 0.5).first < now - 0.4

        until(lambda: len(marks(marked)) == 4)
        until(are_past)
        opened_at = clock.now()
        gate.touch()
        until(lambda: has_ended(home, batch))
    home.assert_whole(batch, 12)
    after = sorted(it.started_at for it in runs_of(home, batch) if it.started_at > opened_at)
    for number, at in enumerate(after):
        assert at >= opened_at - lateness(0.05) + number * 0.05 - _MOMENT


def test_a_quick_run_is_asked_for_its_turn_as_any_other(still_home: Home) -> None:
    ports = still_home.ports
    batch = still_home.create([{"n": n} for n in range(3)], NOOP, rate="10/s")
    jobs = queued_jobs(still_home, batch)
    views, hand, duty = Views(ports, EMBEDDED, Library()), Hand(), Duty()
    out, parking, ready = WaysOut(ports, duty, hand), Parking(), Ready(1)
    pacing = Pacing(ports, EMBEDDED, views, parking, out)
    lanes = Lanes(
        ports,
        EMBEDDED,
        views,
        Isolation(),
        count=1,
        hand=hand,
        duty=duty,
        out=out,
        ready=ready,
        parking=parking,
        pacing=pacing,
        stopping=Stopping(),
    )
    duty.take(batch.id, len(jobs))
    for job, late in zip(jobs, (0.0, 0.06, 0.04), strict=True):
        job.turn = Turn(ports.clock.now() - late, 0.1)
    ready.put([(job, False) for job in jobs], wake=False)
    try:
        Quick(lanes, ready, 100).run(lambda: True)
    finally:
        pacing.close()
        lanes.end()
        lanes.stop()
    assert sorted(ports.runs.read(batch.id, range(3))) == [0, 2]
