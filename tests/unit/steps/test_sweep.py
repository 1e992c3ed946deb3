"""The net under everything: what it mends, and that it harms nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fanfold.domain import batch as rules
from fanfold.domain.batch import Batch, BatchState, Claim
from fanfold.domain.messages import FanOutMessage
from fanfold.domain.run import RunState
from fanfold.errors import EngineError
from fanfold.ports import Ports, Station
from fanfold.steps.fan_out import fan_out
from fanfold.steps.pause import pause, resume
from fanfold.steps.stop import cancel
from fanfold.steps.sweep import Memory, Swept, sweep
from fanfold.steps.wake import wake_due
from fanfold.testing.clock import StillClock
from fanfold.testing.conformance.rig import live, ok
from fanfold.testing.faults import Fault, lose_reply, with_faults
from fanfold.testing.home import Home
from fanfold.testing.stations import (
    fan_outs_taken,
    fanned_out,
    finalizations_taken,
    finalized,
    runs_taken,
)
from fanfold.wiring import EMBEDDED

pytestmark = pytest.mark.each_engine

PUPPET = "fanfold.testing.puppet:puppet"
RECORDS: list[Any] = [{"n": n} for n in range(6)]
#: of the policy, in the tests' own time
QUIET = EMBEDDED.quiet_seconds + 1


#: a queue that cannot tell what lies there leaves it at how long nothing has happened
knows_its_backlog = pytest.mark.parametrize("ports", ["embedded"], indirect=True)


class Sweeper:
    """Passes of one process, each after a quiet time."""

    def __init__(self, ports: Ports, clock: StillClock, **policy: Any) -> None:
        self._ports = ports
        self._clock = clock
        self._policy = replace(EMBEDDED, **policy)
        self.memory = Memory()

    def passes(self, count: int = 1) -> Swept:
        swept = Swept()
        for _ in range(count):
            swept = sweep(self._ports, self._policy, self.memory)
            self._clock.pass_(QUIET)
        return swept


@pytest.fixture
def sweeper(ports: Ports, clock: StillClock) -> Sweeper:
    return Sweeper(ports, clock)


@pytest.fixture
def batch(home: Home, ports: Ports) -> Batch:
    """Sealed, its messages lost."""
    batch = fanned_out(ports, home.create(RECORDS, PUPPET))
    assert len(runs_taken(ports)) == len(RECORDS)
    return batch


def lost(ports: Ports) -> list[tuple[int, bool]]:
    return [(it.index, it.again) for it in runs_taken(ports)]


def test_nothing_open_nothing_done(sweeper: Sweeper) -> None:
    assert not sweeper.passes()


# -------------------------------------------------------------- lost runs


def test_a_batch_that_cannot_be_worked_on_holds_up_none_of_the_others(
    home: Home, ports: Ports
) -> None:
    batches = [fanned_out(ports, home.create(RECORDS, PUPPET)) for _ in range(3)]
    finalizations_taken(ports)
    for batch in batches:
        ports.runs.settle(batch, [ok(batch, index) for index in range(len(RECORDS))])
    fails = with_faults(ports, [Fault("runs", "settled", "before", lose_reply, nth=2)])
    with pytest.raises(EngineError, match="lost"):
        sweep(fails, EMBEDDED, Memory())
    asked = {it.batch_id for it in finalizations_taken(ports)}
    assert len(asked & {it.id for it in batches}) == 2


def test_runs_whose_messages_are_lost_are_published_again_marked(
    ports: Ports, batch: Batch, sweeper: Sweeper
) -> None:
    ports.runs.settle(batch, [ok(batch, 2)])
    assert not sweeper.passes(), "one look cannot tell quiet from slow"
    assert sweeper.passes().republished == 5
    assert lost(ports) == [(n, True) for n in (0, 1, 3, 4, 5)]


def test_while_anything_changes_nothing_is_published_again(
    ports: Ports, batch: Batch, sweeper: Sweeper
) -> None:
    for index in range(5):
        assert not sweeper.passes()
        ports.runs.settle(batch, [ok(batch, index)])
    assert lost(ports) == []


def test_before_the_quiet_time_has_passed_nothing_is_published_again(
    ports: Ports, batch: Batch, clock: StillClock
) -> None:
    memory = Memory()
    for _ in range(5):
        assert not sweep(ports, EMBEDDED, memory)
        clock.pass_(EMBEDDED.quiet_seconds / 10)
    assert lost(ports) == []
    assert batch.is_open


def test_a_batch_behind_one_of_a_higher_class_that_moves_is_given_ten_times_as_long(
    home: Home, ports: Ports, clock: StillClock
) -> None:
    """Else what waits for its turn, for hours perhaps, would be published again and again."""
    records = [{"n": n} for n in range(20)]
    low = fanned_out(ports, home.create(RECORDS, PUPPET, priority="low"))
    high = fanned_out(ports, home.create(records, PUPPET, priority="high"))
    runs_taken(ports)  # lost, to a queue that tells what lies there
    sweeper = Sweeper(ports, clock)
    for index in range(10):
        assert not sweeper.passes()
        ports.runs.settle(high, [ok(high, index)])
    assert sweeper.passes().republished == len(RECORDS), "lost after all, perhaps"
    assert {it.batch_id for it in runs_taken(ports)} == {low.id}


def test_a_batch_behind_one_of_a_higher_class_that_does_not_move_any_more_is_not(
    home: Home, ports: Ports, sweeper: Sweeper
) -> None:
    low, high = (
        fanned_out(ports, home.create(RECORDS, PUPPET, priority=it)) for it in ("low", "high")
    )
    runs_taken(ports)
    sweeper.passes()
    ports.runs.settle(high, [ok(high, 0)])
    again: set[str] = set()
    for _ in range(4):  # a queue that tells what lies there does not tell whose it is
        sweeper.passes()
        again |= {it.batch_id for it in runs_taken(ports)}
    assert again == {low.id, high.id}


def test_a_batch_that_waits_for_the_next_turn_of_its_rate_is_not_quiet(
    ports: Ports, home: Home, clock: StillClock, sweeper: Sweeper
) -> None:
    """Its messages are held meanwhile, which not every queue can tell."""
    fanned_out(ports, home.create(RECORDS, PUPPET, rate="1/h"))
    runs_taken(ports)
    assert not sweeper.passes(3)
    clock.pass_(3600.0)
    assert not sweeper.passes()
    clock.pass_(3600.0)
    assert sweeper.passes().republished == len(RECORDS), "they are lost"


@knows_its_backlog
def test_while_somebody_is_at_a_run_of_it_or_a_message_lies_there_it_is_not_quiet(
    home: Home, ports: Ports, clock: StillClock
) -> None:
    batch = fanned_out(ports, home.create(RECORDS, PUPPET))
    sweeper = Sweeper(ports, clock)
    assert not sweeper.passes(4), "the messages lie there, nobody works"
    for delivery in ports.queue.pull(Station.RUNS, 5):
        ports.queue.ack([delivery])
    (held,) = ports.queue.pull(Station.RUNS, 5)
    for _ in range(3):
        ports.queue.extend([held])
        assert not sweeper.passes(), "one is in somebody's hand"
    ports.queue.ack([held])
    assert sweeper.passes().republished == len(RECORDS)
    assert batch.is_open


def test_a_run_with_a_lease_or_that_waits_is_not_published_again(
    ports: Ports, batch: Batch, sweeper: Sweeper, clock: StillClock
) -> None:
    far = clock.now() + 100 * QUIET
    ports.leases.hold(batch, [live(batch, 0, RunState.RUNNING, far, "somebody")])
    ports.leases.wait(batch, [live(batch, 1, RunState.WAITING, far)])
    sweeper.passes(2)
    assert lost(ports) == [(n, True) for n in (2, 3, 4, 5)]


def test_under_a_limit_only_what_was_released_is_published_again(
    home: Home, ports: Ports, sweeper: Sweeper
) -> None:
    fanned_out(ports, home.create(RECORDS, PUPPET, concurrency=2))
    runs_taken(ports)
    assert sweeper.passes(2).republished == 2
    assert lost(ports) == [(0, True), (1, True)]


def test_a_pass_publishes_no_more_than_its_limit_and_the_next_goes_on_behind_it(
    home: Home, ports: Ports, clock: StillClock
) -> None:
    fanned_out(ports, home.create([{"n": n} for n in range(1300)], PUPPET))
    runs_taken(ports)
    sweeper = Sweeper(ports, clock, sweep_limit=500)
    found: list[int] = []
    for expected in (500, 500, 300):
        assert sweeper.passes(2).republished == expected
        found += [index for index, _ in lost(ports)]
    assert found == list(range(1300)), "each once, then from the beginning"
    assert sweeper.passes(2).republished == 500


def test_who_has_lost_its_memory_is_only_a_pass_later(batch: Batch, sweeper: Sweeper) -> None:
    sweeper.passes()
    sweeper.memory = Memory()
    assert not sweeper.passes()
    assert sweeper.passes().republished == len(RECORDS)
    assert batch.is_open


def test_what_is_known_of_ended_batches_is_forgotten(
    ports: Ports, batch: Batch, sweeper: Sweeper
) -> None:
    sweeper.passes()
    assert batch.id in sweeper.memory.seen
    cancel(ports, batch.id)
    finalized(ports, batch)
    sweeper.passes()
    assert sweeper.memory.seen == {}
    assert sweeper.memory.cursor == {}


# ---------------------------------------------------------- waits, leases


def test_a_wait_that_is_due_and_a_lease_that_ended_are_published(
    ports: Ports, batch: Batch, sweeper: Sweeper, clock: StillClock
) -> None:
    soon = clock.now() + 5
    ports.leases.wait(batch, [live(batch, 0, RunState.WAITING, soon)])
    ports.leases.hold(batch, [live(batch, 1, RunState.RUNNING, soon, "somebody")])
    assert sweeper.passes().woken == 0
    assert sweeper.passes().woken == 2
    assert [it for it in lost(ports) if it[0] < 2] == [(0, True), (1, True)]
    assert ports.runs.tally(batch.id).waiting == 0


def test_waking_is_repeated_only_when_it_was_in_vain(
    ports: Ports, batch: Batch, clock: StillClock
) -> None:
    ports.leases.wait(batch, [live(batch, 0, RunState.WAITING, clock.now())])
    assert wake_due(ports, EMBEDDED, batch) == 1
    assert wake_due(ports, EMBEDDED, batch) == 0
    clock.pass_(EMBEDDED.lease_seconds + 1)
    assert wake_due(ports, EMBEDDED, batch) == 1
    assert lost(ports) == [(0, True), (0, True)]


def test_a_pass_wakes_no_more_than_its_limit(ports: Ports, batch: Batch, clock: StillClock) -> None:
    ports.leases.wait(batch, [live(batch, n, RunState.WAITING, clock.now()) for n in range(6)])
    assert wake_due(ports, replace(EMBEDDED, sweep_limit=4), batch) == 4
    assert wake_due(ports, replace(EMBEDDED, sweep_limit=4), batch) == 2


def test_under_a_limit_waking_takes_places_within_it(
    home: Home, ports: Ports, clock: StillClock
) -> None:
    batch = fanned_out(ports, home.create(RECORDS, PUPPET, concurrency=2))
    runs_taken(ports)
    due = [live(batch, n, RunState.WAITING, clock.now()) for n in (0, 1)]
    ports.leases.wait(batch, due)
    assert wake_due(ports, EMBEDDED, batch) == 2
    assert lost(ports) == [(0, True), (1, True)]
    assert wake_due(ports, EMBEDDED, batch) == 0


# ------------------------------------------------------------ releases


def test_a_release_nobody_published_is_published_once_it_is_old(
    home: Home, ports: Ports, sweeper: Sweeper
) -> None:
    batch = fanned_out(ports, home.create(RECORDS, PUPPET, concurrency=2))
    runs_taken(ports)
    ports.runs.settle(batch, [ok(batch, 0)])
    ports.frontier.advance(batch, "token", 0, [], ports.clock.now())  # and died
    assert sweeper.passes().released == 0, "it may be about to be published"
    assert sweeper.passes().released == 1
    assert lost(ports) == [(2, True)]
    assert ports.frontier.window(batch.id).pending == {}
    assert sweeper.passes().released == 0


def test_a_release_that_no_record_stands_for_is_published_sooner(
    home: Home, ports: Ports, clock: StillClock
) -> None:
    """Who makes one in passing strikes it off as soon as it is published: so it was not."""
    batch = fanned_out(ports, home.create(RECORDS, PUPPET, concurrency=2))
    runs_taken(ports)
    ports.runs.settle(batch, [ok(batch, 0)])
    ports.frontier.advance(batch, "token", None, [], clock.now())  # and died
    clock.pass_(EMBEDDED.orphan_seconds - 1)
    assert sweep(ports, EMBEDDED, Memory()).released == 0
    clock.pass_(1.0)
    assert sweep(ports, EMBEDDED, Memory()).released == 1
    assert lost(ports) == [(2, True)]
    assert ports.frontier.window(batch.id).pending == {}


def test_places_nobody_filled_are_filled(home: Home, ports: Ports, sweeper: Sweeper) -> None:
    batch = fanned_out(ports, home.create(RECORDS, PUPPET, concurrency=2))
    runs_taken(ports)
    ports.runs.settle(batch, [ok(batch, 0), ok(batch, 1)])
    sweeper.passes()
    assert lost(ports) == [(2, False), (3, False)]


# ------------------------------------------------------------- fan-outs


def test_a_batch_whose_fan_out_was_lost_is_fanned_out_again(
    home: Home, ports: Ports, sweeper: Sweeper
) -> None:
    batch = home.create(RECORDS, PUPPET)
    assert len(fan_outs_taken(ports)) == 1
    assert not sweeper.passes()
    assert sweeper.passes().fan_outs == 1
    (message,) = fan_outs_taken(ports)
    assert isinstance(message, FanOutMessage)
    fan_out(ports, message, lambda: False)
    assert ports.batches.get(batch.id).total == len(RECORDS)


@knows_its_backlog
def test_a_fan_out_whose_message_lies_there_is_left_to_it(
    home: Home, ports: Ports, sweeper: Sweeper
) -> None:
    home.create(RECORDS, PUPPET)
    assert not sweeper.passes(4)
    assert len(fan_outs_taken(ports)) == 1


# ------------------------------------------------------------ completion


def test_a_batch_whose_last_question_was_never_asked_is_asked_for(
    ports: Ports, batch: Batch, sweeper: Sweeper
) -> None:
    ports.runs.settle(batch, [ok(batch, n) for n in range(6)])
    assert sweeper.passes().asked == 1
    assert len(finalizations_taken(ports)) == 1


def test_a_canceling_batch_whose_finalization_was_lost_is_asked_for(
    ports: Ports, batch: Batch, sweeper: Sweeper
) -> None:
    cancel(ports, batch.id)
    finalizations_taken(ports)
    assert sweeper.passes().asked == 1
    assert finalized(ports, batch).state is BatchState.CANCELED


def test_a_finalization_whose_claim_has_ended_is_asked_for_and_no_other(
    ports: Ports, batch: Batch, sweeper: Sweeper, clock: StillClock
) -> None:
    ports.runs.settle(batch, [ok(batch, n) for n in range(6)])
    now = clock.now()
    ports.batches.close(batch.id, 1, Claim("somebody/1", now + QUIET / 2), now)
    assert not sweeper.passes()
    assert sweeper.passes().asked == 1
    assert finalized(ports, batch).state is BatchState.COMPLETED
    assert not sweeper.passes()


def test_every_pass_may_be_repeated_without_harm(
    ports: Ports, batch: Batch, clock: StillClock
) -> None:
    sweepers = [Sweeper(ports, clock) for _ in range(3)]
    for _ in range(3):
        for it in sweepers:
            it.passes()
    for message in runs_taken(ports):
        ports.runs.settle(batch, [ok(batch, message.index)])
    for it in sweepers:
        it.passes()
    assert finalized(ports, batch).state is BatchState.COMPLETED
    assert ports.runs.tally(batch.id).succeeded == len(RECORDS)


def test_a_paused_batch_is_looked_at_like_any_open_one(
    ports: Ports, batch: Batch, sweeper: Sweeper
) -> None:
    ports.batches.amend(batch.id, rules.pause)
    ports.runs.settle(batch, [ok(batch, n) for n in range(6)])
    assert sweeper.passes().asked == 1


def test_a_batch_that_does_not_move_is_told_of_now_and_then(
    home: Home, ports: Ports, clock: StillClock, caplog: pytest.LogCaptureFixture
) -> None:
    batch = fanned_out(ports, home.create([{"n": n} for n in range(4)], PUPPET))
    memory = Memory()

    def passes(minutes: int) -> int:
        caplog.clear()
        with caplog.at_level("WARNING", "fanfold"):
            for _ in range(minutes):
                sweep(ports, EMBEDDED, memory)
                clock.pass_(60)
        return sum(getattr(it, "action", "") == "batch.stuck" for it in caplog.records)

    assert passes(15) == 0
    assert passes(15) == 1
    ports.runs.settle(batch, [ok(batch, 0)])
    assert passes(15) == 0
    pause(ports, batch.id)
    assert passes(60) == 0
    resume(ports, batch.id)
    assert passes(20) == 1
