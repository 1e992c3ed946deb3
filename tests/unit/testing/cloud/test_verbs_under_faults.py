"""Every verb that writes, when the reply of its commit is lost, or its commit with it."""

from __future__ import annotations

from time import monotonic
from typing import Protocol

import pytest

from fanfold.domain import batch as rules
from fanfold.domain.batch import Batch, BatchState, Claim, Ending
from fanfold.domain.finalizing import begin_fold
from fanfold.domain.letter import Fate, Letter
from fanfold.domain.options import BatchOptions
from fanfold.domain.priority import Priority
from fanfold.domain.run import RunState
from fanfold.engines.google import firestore as calls
from fanfold.errors import EngineError
from fanfold.ports import Ports, Station
from fanfold.testing.cloud import Cloud, Fault
from fanfold.testing.cloud.faults import Kind
from fanfold.testing.conformance.rig import (
    after_page,
    live,
    new_batch,
    ok,
    page_of,
    sealed,
    with_records,
)

LETTER = Letter(
    id="letter-aaaaaaaaaaaaaaaa",
    origin="runs",
    reason="delivered too often",
    at=5.0,
    batch_id=None,
    index=None,
    body=b"?",
    size=1,
    fate=Fate.KEPT,
    about="kept",
)


class Strike(Protocol):
    def __call__(self, nth: int = 1, method: str = "Commit") -> Fault: ...


KINDS: list[Kind] = ["lost-reply", "unavailable", "aborted"]


@pytest.fixture(params=KINDS)
def strike(request: pytest.FixtureRequest, cloud: Cloud) -> Strike:
    """From now on, the nth commit goes wrong."""
    kind: Kind = request.param

    def strike(nth: int = 1, method: str = "Commit") -> Fault:
        return cloud.faults.add(Fault(method, kind, nth=nth))

    return strike


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits for a lock that nobody gives back fails instead of taking a minute."""
    monkeypatch.setattr(calls, "_PATIENCE", 1.0)


@pytest.fixture
def batch(ports: Ports) -> Batch:
    """Of ten records, with a slot that is open."""
    batch = with_records(ports, new_batch(ports), 10)
    ports.runs.settle(batch, [ok(batch, 9)])
    return batch


class TestBatches:
    def test_create(self, ports: Ports, strike: Strike) -> None:
        strike()
        batch = new_batch(ports)
        assert ports.batches.get(batch.id) == batch

    def test_amend(self, ports: Ports, batch: Batch, strike: Strike) -> None:
        strike()
        assert ports.batches.amend(batch.id, rules.pause).state is BatchState.PAUSED

    def test_amend_by_an_arrow_that_counts(
        self, ports: Ports, batch: Batch, strike: Strike
    ) -> None:
        strike()
        assert ports.batches.amend(batch.id, begin_fold).fold_attempts == 1

    def test_amend_by_an_arrow_that_can_go_only_once(
        self, ports: Ports, batch: Batch, strike: Strike
    ) -> None:
        ports.batches.amend(batch.id, lambda it: rules.stop(it, Ending(BatchState.CANCELED, "")))
        ports.batches.close(batch.id, 1, Claim("me", 10.0), 0.0)
        strike()
        ended = ports.batches.amend(
            batch.id, lambda it: rules.end(it, BatchState.CANCELED, now=2.0)
        )
        assert ended.state is BatchState.CANCELED

    def test_append(self, ports: Ports, batch: Batch, strike: Strike) -> None:
        before = batch.checkpoint
        after = after_page(before, 5)
        strike()
        assert ports.batches.append(page_of(batch, before, 5), before, after).checkpoint == after
        assert [it.index for it in ports.batches.records(batch.id, 8, 20)] == [*range(8, 15)]

    def test_close(self, ports: Ports, batch: Batch, strike: Strike) -> None:
        sealed(ports, batch)
        ports.runs.settle(batch, [ok(batch, n) for n in range(9)])
        strike()
        claim = Claim("me", 10.0)
        closed = ports.batches.close(batch.id, 1, claim, 0.0)
        assert (closed.state, closed.claim) == (BatchState.FINALIZING, claim)
        assert closed.closed is not None
        assert closed.closed.succeeded == 10


class TestLeases:
    def test_hold(self, ports: Ports, batch: Batch, strike: Strike) -> None:
        held = live(batch, 0, RunState.RUNNING, 60.0, "me")
        strike()
        ports.leases.hold(batch, [held])
        assert ports.leases.lives(batch.id, [0]) == {0: held}

    @pytest.mark.parametrize("nth", [1, 2, 3])
    def test_wait(self, ports: Ports, strike: Strike, nth: int) -> None:
        """The first commit finds no slot, the second makes it, the third counts."""
        batch = with_records(ports, new_batch(ports), 2)
        waiting = live(batch, 0, RunState.WAITING, 60.0)
        strike(nth)
        ports.leases.wait(batch, [waiting])
        assert ports.leases.lives(batch.id, [0]) == {0: waiting}
        assert ports.runs.tally(batch.id).waiting == 1

    def test_wake(self, ports: Ports, batch: Batch, strike: Strike) -> None:
        """After a lost reply nobody publishes it until the time it was given is over."""
        ports.leases.wait(batch, [live(batch, 0, RunState.WAITING, 5.0)])
        fault = strike()
        woken = ports.leases.wake(batch, 10.0, 70.0, 10)
        assert [it.index for it in woken] == ([] if fault.kind == "lost-reply" else [0])
        assert ports.runs.tally(batch.id).waiting == 0
        assert [it.index for it in ports.leases.wake(batch, 71.0, 130.0, 10)] == [0]
        assert ports.runs.tally(batch.id).waiting == 0


class TestFrontier:
    def test_advance(self, ports: Ports, strike: Strike) -> None:
        batch = with_records(ports, new_batch(ports, options=BatchOptions(concurrency=3)), 10)
        strike()
        release = ports.frontier.advance(batch, "a", None, [], 0.0)
        assert release is not None
        assert (release.start, release.stop) == (0, 3)
        assert ports.frontier.window(batch.id).pending == {"a": release}
        assert ports.frontier.window(batch.id).released == 3

    def test_advance_that_only_settles_up(self, ports: Ports, strike: Strike) -> None:
        batch = with_records(ports, new_batch(ports, options=BatchOptions(concurrency=3)), 10)
        ports.frontier.advance(batch, "a", None, [], 0.0)
        strike()
        assert ports.frontier.advance(batch, "b", None, ["a"], 0.0) is None
        assert ports.frontier.window(batch.id).pending == {}

    @pytest.mark.parametrize("begun", [False, True])
    def test_reserve(self, ports: Ports, batch: Batch, strike: Strike, begun: bool) -> None:
        """After a lost reply its turns are lost, and the next ones given."""
        if begun:
            ports.frontier.reserve(batch.id, 1, 0.5, 0.0, 99.5)
        fault = strike()
        turns = ports.frontier.reserve(batch.id, 2, 0.5, 9.0, 100.0)
        lost = 1.0 if fault.kind == "lost-reply" else 0.0
        assert (turns.first, turns.count) == (100.0 + lost, 2)
        assert ports.frontier.reserve(batch.id, 1, 0.5, 9.0, 100.0).first == turns.next

    def test_advance_that_wakes(self, ports: Ports, strike: Strike) -> None:
        batch = with_records(ports, new_batch(ports, options=BatchOptions(concurrency=1)), 2)
        ports.frontier.advance(batch, "a", None, [], 0.0)
        ports.leases.wait(batch, [live(batch, 0, RunState.WAITING, 5.0)])
        strike()
        release = ports.frontier.advance(batch, "b", None, ["a"], 10.0)
        assert release is not None
        assert release.woken == (0,)
        assert ports.runs.tally(batch.id).waiting == 0


class TestQueue:
    def test_publish(self, ports: Ports, strike: Strike) -> None:
        """Repeated by the library: after a lost reply there is a second message."""
        fault = strike(method="Publish")
        ports.queue.publish(Station.RUNS, "batch", [b"one"])
        delivered = ports.queue.pull(Station.RUNS, 10)
        assert len(delivered) == (2 if fault.kind == "lost-reply" else 1)
        assert {it.body for it in delivered} == {b"one"}

    @pytest.mark.parametrize("station", [Station.FAN_OUT, Station.RUNS])
    def test_a_pull_whose_reply_is_lost_is_delivered_again(
        self, cloud: Cloud, ports: Ports, station: Station
    ) -> None:
        """One that waits, or only looks."""
        ports.queue.publish(station, "batch", [b"one"], Priority.HIGH)
        cloud.faults.add(Fault("Pull", "lost-reply", nth=1))
        with pytest.raises(EngineError):
            ports.queue.pull(station, 10)
        cloud.pass_(11)
        (again,) = ports.queue.pull(station, 10)
        assert again.attempt == 2

    def test_what_is_given_back_for_part_of_a_second_does_not_come_at_once(
        self, cloud: Cloud, ports: Ports
    ) -> None:
        """Else it comes again and again meanwhile, until it is a dead letter."""
        ports.queue.publish(Station.FINALIZATIONS, "batch", [b"one"])
        ports.queue.release(ports.queue.pull(Station.FINALIZATIONS, 1), delay=0.4)
        assert ports.queue.pull(Station.FINALIZATIONS, 1) == []
        cloud.pass_(1.0)
        (again,) = ports.queue.pull(Station.FINALIZATIONS, 1)
        assert again.attempt == 2

    def test_duplicates_and_disorder_lose_nothing(self, cloud: Cloud, ports: Ports) -> None:
        sent = {b"%d" % n for n in range(200)}
        ports.queue.publish(Station.RUNS, "batch", sorted(sent))
        cloud.faults.add(Fault("Pull", "duplicate", probability=0.3))
        cloud.faults.add(Fault("Pull", "reorder"))
        came: list[bytes] = []
        while delivered := ports.queue.pull(Station.RUNS, 10):
            came += [it.body for it in delivered]
            ports.queue.ack(delivered)
        assert set(came) == sent

    def test_a_wait_for_messages_asks_the_service_only_now_and_then(
        self, cloud: Cloud, ports: Ports
    ) -> None:
        before = cloud.operations
        assert ports.queue.pull(Station.FAN_OUT, 10, wait=1.0) == []
        assert (cloud.operations - before).calls["Pull"] <= 2

    def test_a_pull_whose_answer_is_slow_is_not_leased_to_nobody(
        self, cloud: Cloud, ports: Ports
    ) -> None:
        """It would be for as long as a function's request may take."""
        ports.queue.publish(Station.RUNS, "b", [b"x"])
        cloud.faults.add(Fault("Pull", "delay", seconds=0.5))
        assert [it.body for it in ports.queue.pull(Station.RUNS, 10)] == [b"x"]


@pytest.mark.usefixtures("hurried")
class TestTransactions:
    """By the way of `take`, the plainest of them."""

    @pytest.mark.parametrize("method", ["BeginTransaction", "BatchGetDocuments", "Commit"])
    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("pessimistic", [True, False])
    def test_nothing_is_left_behind_that_others_wait_for(
        self, cloud: Cloud, ports: Ports, batch: Batch, method: str, kind: Kind, pessimistic: bool
    ) -> None:
        cloud.limits.pessimistic = pessimistic
        cloud.faults.add(Fault(method, kind, nth=1))
        began = monotonic()
        assert ports.leases.take(batch, live(batch, 0, RunState.RUNNING, 60.0, "me"), 1.0)
        assert monotonic() - began < cloud.limits.lock_seconds
        # the one whose name was lost holds nothing
        assert cloud.open_transactions == (method == "BeginTransaction" and kind == "lost-reply")

    @pytest.mark.parametrize(
        ("method", "kind"),
        [
            ("BatchGetDocuments", "lost-reply"),
            ("BatchGetDocuments", "aborted"),
            ("Commit", "unavailable"),
            ("Commit", "aborted"),
        ],
    )
    def test_it_gives_up_in_the_end_and_says_so(
        self, cloud: Cloud, ports: Ports, batch: Batch, method: str, kind: Kind
    ) -> None:
        cloud.faults.add(Fault(method, kind))
        with pytest.raises(EngineError, match=f"gave up after 1 s: .*{kind}"):
            ports.leases.take(batch, live(batch, 0, RunState.RUNNING, 60.0, "me"), 1.0)
        cloud.faults.clear()
        assert cloud.open_transactions == 0
        assert ports.leases.lives(batch.id, [0]) == {}

    def test_a_refusal_is_not_tried_again(self, cloud: Cloud, ports: Ports, batch: Batch) -> None:
        cloud.faults.add(Fault("Commit", "denied"))
        before = cloud.operations
        with pytest.raises(EngineError, match="denied"):
            ports.leases.take(batch, live(batch, 0, RunState.RUNNING, 60.0, "me"), 1.0)
        assert (cloud.operations - before).calls["Commit"] == 1


@pytest.mark.usefixtures("hurried")
class TestSwaps:
    """By the way of amend: no transaction, so whoever dies in the middle holds up nobody."""

    @pytest.mark.parametrize("method", ["BatchGetDocuments", "Commit"])
    @pytest.mark.parametrize("kind", KINDS)
    def test_it_locks_nothing_whatever_goes_wrong(
        self, cloud: Cloud, ports: Ports, batch: Batch, method: str, kind: Kind
    ) -> None:
        before = cloud.operations
        cloud.faults.add(Fault(method, kind, nth=1))
        assert ports.batches.amend(batch.id, begin_fold).fold_attempts == 1
        assert (cloud.operations - before).calls["BeginTransaction"] == 0

    @pytest.mark.parametrize("kind", ["unavailable", "aborted"])
    def test_it_gives_up_in_the_end_and_says_so(
        self, cloud: Cloud, ports: Ports, batch: Batch, kind: Kind
    ) -> None:
        cloud.faults.add(Fault("Commit", kind))
        with pytest.raises(EngineError, match=f"gave up after 1 s: .*{kind}"):
            ports.batches.amend(batch.id, begin_fold)
        cloud.faults.clear()
        assert ports.batches.get(batch.id).fold_attempts == 0

    def test_of_two_at_once_both_count(self, ports: Ports, batch: Batch) -> None:
        """The one that comes late reads again."""
        seen: list[int] = []

        def slow(current: Batch) -> Batch:
            seen.append(current.fold_attempts)
            if len(seen) == 1:
                ports.batches.amend(batch.id, begin_fold)
            return begin_fold(current)

        assert ports.batches.amend(batch.id, slow).fold_attempts == 2
        assert seen == [0, 1]


class TestLetters:
    def test_keep(self, ports: Ports, strike: Strike) -> None:
        strike()
        assert ports.letters.keep(LETTER) == LETTER
        assert ports.letters.find() == [LETTER]

    def test_mark(self, ports: Ports, strike: Strike) -> None:
        ports.letters.keep(LETTER)
        strike()
        assert ports.letters.mark(LETTER.id, 7.0).resurrected_at == 7.0
        assert ports.letters.get(LETTER.id).resurrected_at == 7.0
