"""Outcomes are settled in groups, once, and whatever goes wrong their messages come again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from threading import Event, Lock
from typing import Any

import pytest

from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.outcome import Blame, Failed, Failure
from fanfold.domain.run import LogEntry, Run
from fanfold.domain.settling import Verdict
from fanfold.errors import OutcomeRefused
from fanfold.ports import MAX_OUTCOME_BYTES, Ports
from fanfold.steps.ask import Duty, generation_of
from fanfold.steps.landing import Entry, settle_group
from fanfold.steps.policy import Policy
from fanfold.steps.settle import Settler
from fanfold.steps.stop import cancel
from fanfold.testing.conformance.rig import new_batch, ok, sealed, with_records
from fanfold.testing.faults import Fault, lose_reply, with_faults
from fanfold.testing.home import Home
from fanfold.testing.stations import fanned_out, finalizations_taken, runs_taken
from fanfold.testing.working import until

PUPPET = "fanfold.testing.puppet:puppet"
#: a group commits by its size alone, or when nothing else is executing
PATIENT = Policy(group=10, group_most=10, gather_seconds=1e9, gather_share=1e18)


@dataclass
class Desk:
    """A settler with what it needs, and what became of the runs given to it."""

    ports: Ports
    batch: Batch
    policy: Policy = PATIENT
    finish: Callable[[Sequence[int]], None] = lambda _: None
    faults: Sequence[Fault] = ()
    duty: Duty = field(default_factory=Duty)
    #: how many other runs are executing
    others: int = 1
    finished: list[int] = field(default_factory=list)
    given_up: list[int] = field(default_factory=list)
    #: the sizes of the commits
    commits: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        ports = with_faults(self.ports, self.faults)
        settle = ports.runs.settle

        class Counting:
            """The real port, with a note of each commit."""

            def __init__(self, commits: list[int], real: Any) -> None:
                self._commits, self._real = commits, real

            def settle(self, batch: Batch, runs: Sequence[Run], *rest: Any) -> list[Verdict]:
                self._commits.append(len(runs))
                return settle(batch, runs, *rest)

            def __getattr__(self, name: str) -> Any:
                return getattr(self._real, name)

        ports = replace(ports, runs=Counting(self.commits, ports.runs))
        self.settler: Settler[int] = Settler(
            ports,
            self.policy,
            self.duty,
            finish=self._finish,
            give_up=self.given_up.extend,
            executing=lambda: self.others,
        )
        self.settler.start()

    def _finish(self, receipts: Sequence[int]) -> None:
        self.finish(receipts)
        self.finished.extend(receipts)

    def add(self, *runs: Run) -> None:
        self.duty.take(generation_of(self.batch), len(runs))
        for run in runs:
            self.settler.add(Entry(self.batch, run, run.index))

    def add_ok(self, indexes: Sequence[int], seconds: float = 3600.0) -> None:
        """Long runs, by default: a group gathers for long."""
        self.add(*(replace(ok(self.batch, n), seconds=seconds) for n in indexes))

    def settled(self) -> int:
        return self.ports.runs.tally(self.batch.id).settled


Open = Callable[..., Desk]


@pytest.fixture
def batch(ports: Ports) -> Batch:
    return sealed(ports, with_records(ports, new_batch(ports), 100))


@pytest.fixture
def desk(ports: Ports, batch: Batch) -> Iterator[Open]:
    opened: list[Desk] = []

    def open_(**changes: Any) -> Desk:
        opened.append(Desk(ports, batch, **changes))
        return opened[-1]

    yield open_
    for it in opened:
        it.others = 0
        it.settler.close()


def test_a_group_that_is_full_is_committed_at_once_as_one(desk: Open) -> None:
    it = desk()
    it.add_ok(range(9))
    assert it.settled() == 0, "it gathers"
    it.add_ok([9])
    until(lambda: len(it.finished) == 10)
    assert it.settled() == 10
    assert it.commits == [10]


def test_when_nothing_else_is_executing_there_is_nobody_to_wait_for(desk: Open) -> None:
    it = desk(others=0)
    it.add_ok([0])
    until(lambda: it.finished == [0])


def test_the_last_run_that_ends_elsewhere_nudges_the_group(desk: Open) -> None:
    it = desk()
    it.add_ok([0, 1])
    it.others = 0
    it.settler.nudge()
    until(lambda: it.finished == [0, 1])
    assert it.commits == [2]


def test_a_group_waits_no_longer_than_the_gather_time(desk: Open) -> None:
    it = desk(policy=replace(PATIENT, gather_seconds=0.001))
    it.add_ok([0])
    until(lambda: it.finished == [0])


def test_quick_runs_wait_for_company_though_none_is_executing(desk: Open) -> None:
    it = desk(others=0, policy=replace(PATIENT, gather_least=1e9))
    it.add_ok(range(9))
    assert it.commits == []
    it.add_ok([9])
    until(lambda: it.finished == list(range(10)))
    assert it.commits == [10]


def test_what_settling_took_is_counted_with_the_runs(desk: Open, ports: Ports) -> None:
    it = desk()
    it.add_ok(range(15))
    it.settler.flush()
    tally = ports.runs.tally(it.batch.id)
    assert (tally.commits, tally.halvings, tally.repeats) == (2, 0, 0)
    assert tally.gathered > 0
    assert tally.slots == 1


def test_closing_settles_what_has_gathered(desk: Open) -> None:
    it = desk()
    it.add_ok(range(3))
    it.settler.close()
    assert (it.finished, it.settled()) == ([0, 1, 2], 3)


def test_flushing_settles_what_has_gathered_and_goes_on(desk: Open) -> None:
    it = desk()
    it.settler.flush()
    it.add_ok(range(3))
    it.settler.flush()
    assert it.settled() == 3
    it.add_ok(range(3, 6))
    it.settler.flush()
    assert it.finished == list(range(6))


def test_more_than_a_group_that_has_gathered_is_committed_in_parts(desk: Open) -> None:
    held, gate = Event(), Event()

    def hold() -> None:
        held.set()
        assert gate.wait(60)

    it = desk(faults=[Fault("runs", "settle", "before", hold)])
    it.add_ok(range(10))
    assert held.wait(60)
    it.add_ok(range(10, 35))
    gate.set()
    it.settler.flush()
    assert it.commits == [10, 10, 10, 5]
    assert sorted(it.finished) == list(range(35))


def test_one_commit_is_in_flight_at_a_time(desk: Open) -> None:
    inside, most, lock = [0], [0], Lock()

    def enter() -> None:
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])

    def leave() -> None:
        with lock:
            inside[0] -= 1

    faults = [Fault("runs", "settle", "before", enter, nth) for nth in range(1, 11)]
    faults += [Fault("runs", "settle", "after", leave, nth) for nth in range(1, 11)]
    it = desk(faults=faults, policy=replace(PATIENT, group=1))
    it.add_ok(range(10))
    it.settler.flush()
    assert (most[0], len(it.commits)) == (1, 10)


def test_batches_do_not_share_a_commit(desk: Open, ports: Ports) -> None:
    other = with_records(ports, new_batch(ports), 5)
    it = desk()
    it.add_ok(range(3))
    it.settler.add(Entry(other, ok(other, 0), 1000))
    it.settler.flush()
    assert sorted(it.commits) == [1, 3]
    assert ports.runs.tally(other.id).settled == 1
    assert sorted(it.finished) == [0, 1, 2, 1000]


def test_when_the_engine_cannot_settle_the_messages_come_again_and_can_be_settled_then(
    desk: Open,
) -> None:
    it = desk(faults=[Fault("runs", "settle", "before", lose_reply)])
    it.add_ok(range(10))
    until(lambda: len(it.given_up) == 10)
    assert it.finished == []
    it.add_ok(range(10))
    until(lambda: len(it.finished) == 10)
    assert it.settled() == 10


def test_when_the_reply_is_lost_nothing_is_counted_twice(desk: Open) -> None:
    it = desk(faults=[Fault("runs", "settle", "after", lose_reply)])
    it.add_ok(range(10))
    until(lambda: len(it.given_up) == 10)
    it.add_ok(range(10))
    until(lambda: len(it.finished) == 10)
    assert it.settled() == 10


def test_whatever_goes_wrong_the_thread_lives_on(desk: Open) -> None:
    def crash() -> None:
        raise ZeroDivisionError

    it = desk(faults=[Fault("runs", "settle", "before", crash)])
    it.add_ok(range(10))
    until(lambda: len(it.given_up) == 10)
    it.add_ok(range(10, 20))
    until(lambda: len(it.finished) == 10)


def test_an_ack_that_fails_leaves_the_messages_to_come_again(desk: Open) -> None:
    failing = iter([True])

    def finish(_: Sequence[int]) -> None:
        if next(failing, False):
            raise OSError("the ack failed")

    it = desk(finish=finish)
    it.add_ok(range(10))
    until(lambda: len(it.given_up) == 10)
    assert it.settled() == 10
    it.add_ok(range(10, 20))
    until(lambda: it.finished == list(range(10, 20)))


def test_the_question_is_asked_before_the_ack_of_the_last_that_is_held(
    desk: Open, ports: Ports
) -> None:
    asked_before: list[int] = []
    it = desk(finish=lambda _: asked_before.append(len(finalizations_taken(ports))))
    it.add_ok(range(99))
    it.duty.take(generation_of(it.batch))  # this process holds one more message of the batch
    it.settler.flush()
    it.duty.give_back(generation_of(it.batch), 1)
    it.add_ok([99])
    it.settler.flush()
    assert asked_before[-1] == 1
    assert sum(asked_before) == 1, "while something was held nobody needed to ask"


def test_when_the_question_cannot_be_asked_nothing_is_acked(desk: Open) -> None:
    it = desk(faults=[Fault("queue", "publish", "before", lose_reply)])
    it.add_ok(range(100))
    until(lambda: len(it.finished) + len(it.given_up) == 100)
    assert it.given_up, "the last part is not acked: its redelivery asks"
    assert it.settled() == 100


def test_under_a_limit_the_places_that_become_free_are_filled_before_the_ack(
    desk: Open, home: Home, ports: Ports
) -> None:
    limited = fanned_out(ports, home.create([{"n": n} for n in range(9)], PUPPET, concurrency=3))
    assert [it.index for it in runs_taken(ports)] == [0, 1, 2]
    published: list[int] = []
    it = desk(finish=lambda _: published.extend(it.index for it in runs_taken(ports)))
    it.batch = limited
    it.add_ok([0, 2])
    it.settler.flush()
    assert published == [3, 4]


def test_late_results_are_acked_and_change_nothing(desk: Open, ports: Ports) -> None:
    it = desk(others=0)
    cancel(ports, it.batch.id)
    it.add_ok(range(3))
    until(lambda: len(it.finished) == 3)
    assert it.settled() == 0


def test_a_fatal_run_ends_its_batch_as_it_is_settled(desk: Open, ports: Ports) -> None:
    it = desk()
    fatal = Failed(Failure(Blame.FATAL, "Fatal", "the account is closed"))
    it.add(replace(ok(it.batch, 0), outcome=fatal))
    it.settler.flush()
    stopped = ports.batches.get(it.batch.id)
    assert stopped.state is BatchState.CANCELING
    assert stopped.ending is not None
    assert stopped.ending.state is BatchState.FAILED
    assert stopped.ending.reason == "record 0 raised Fatal: the account is closed"


# ---------------------------------------------------------------- halving


def huge(batch: Batch, index: int) -> Run:
    log = (LogEntry(1.0, "info", "x" * MAX_OUTCOME_BYTES),)
    return replace(ok(batch, index), log=log)


@pytest.mark.parametrize("culprits", [[], [0], [9], [3, 4], list(range(10))])
def test_halving_isolates_the_culprits_and_harms_no_neighbour(
    ports: Ports, batch: Batch, culprits: list[int]
) -> None:
    runs = [huge(batch, n) if n in culprits else ok(batch, n) for n in range(10)]
    assert settle_group(ports, batch, runs) == [Verdict.COUNTED] * 10
    tally = ports.runs.tally(batch.id)
    assert (tally.succeeded, tally.failed) == (10 - len(culprits), len(culprits))
    for index in culprits:
        outcome = ports.runs.read(batch.id, [index])[index].outcome
        assert isinstance(outcome, Failed)
        assert outcome.failure.type == "OutcomeRefused"
        assert outcome.failure.blame is Blame.OUTPUT


def test_verdicts_come_in_the_order_of_the_runs_even_when_halved(
    ports: Ports, batch: Batch
) -> None:
    ports.runs.settle(batch, [ok(batch, 2)])
    runs = [ok(batch, 0), huge(batch, 1), ok(batch, 2), ok(batch, 3)]
    assert settle_group(ports, batch, runs) == [
        Verdict.COUNTED,
        Verdict.COUNTED,
        Verdict.ALREADY,
        Verdict.COUNTED,
    ]


def test_what_is_refused_even_as_failed_is_said(ports: Ports, batch: Batch) -> None:
    def refuse() -> None:
        raise OutcomeRefused

    broken = with_faults(ports, [Fault("runs", "settle", "before", refuse, n) for n in (1, 2)])
    with pytest.raises(OutcomeRefused):
        settle_group(broken, batch, [ok(batch, 0)])
