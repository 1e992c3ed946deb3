"""Leases: long runs and waiting ones."""

from __future__ import annotations

from dataclasses import replace

from fanfold.domain.options import BatchOptions
from fanfold.domain.run import RunState
from fanfold.ports import Station
from fanfold.testing.conformance.rig import Rig, live, new_batch, ok, with_records


class LeasesConformance:
    def test_a_lease_reads_as_it_was_written_and_is_renewed(self, rig: Rig) -> None:
        batch = with_records(rig.ports, new_batch(rig.ports), 2)
        first = live(batch, 0, RunState.RUNNING, rig.clock.now() + 60, "me")
        rig.ports.leases.hold(batch, [first])
        assert rig.other.leases.lives(batch.id, [0, 1]) == {0: first}
        renewed = replace(first, until=first.until + 60)
        rig.ports.leases.hold(batch, [renewed])
        assert rig.other.leases.lives(batch.id, range(2)) == {0: renewed}

    def test_a_settled_run_cannot_be_leased_or_put_to_wait(self, rig: Rig) -> None:
        batch = with_records(rig.ports, new_batch(rig.ports), 1)
        rig.ports.runs.settle(batch, [ok(batch, 0)])
        until = rig.clock.now() + 60
        rig.ports.leases.hold(batch, [live(batch, 0, RunState.RUNNING, until, "me")])
        rig.ports.leases.wait(batch, [live(batch, 0, RunState.WAITING, until)])
        assert rig.ports.leases.lives(batch.id, [0]) == {}
        assert rig.ports.runs.tally(batch.id).waiting == 0

    def test_waiting_is_counted_once_however_often_it_is_said(self, rig: Rig) -> None:
        batch = with_records(rig.ports, new_batch(rig.ports), 2)
        waiting = live(batch, 0, RunState.WAITING, rig.clock.now() + 60)
        rig.ports.leases.wait(batch, [waiting])
        rig.other.leases.wait(batch, [waiting])
        assert rig.ports.runs.tally(batch.id).waiting == 1

    def test_a_lease_does_not_take_a_waiting_run(self, rig: Rig) -> None:
        batch = with_records(rig.ports, new_batch(rig.ports), 1)
        until = rig.clock.now() + 60
        rig.ports.leases.wait(batch, [live(batch, 0, RunState.WAITING, until)])
        rig.ports.leases.hold(batch, [live(batch, 0, RunState.RUNNING, until, "me")])
        assert rig.ports.leases.lives(batch.id, [0])[0].state is RunState.WAITING

    def test_a_run_is_taken_by_one_alone_until_the_lease_ends_and_renewed_by_its_owner(
        self, rig: Rig
    ) -> None:
        batch = with_records(rig.ports, new_batch(rig.ports), 1)
        now = rig.clock.now()
        mine = live(batch, 0, RunState.RUNNING, now + 60, "me")
        theirs = live(batch, 0, RunState.RUNNING, now + 120, "they")
        assert rig.ports.leases.take(batch, mine, now)
        assert not rig.other.leases.take(batch, theirs, now + 59)
        assert rig.ports.leases.take(batch, replace(mine, until=now + 61), now)
        assert rig.other.leases.lives(batch.id, [0]) == {0: replace(mine, until=now + 61)}
        assert rig.other.leases.take(batch, theirs, now + 61)
        assert rig.ports.leases.lives(batch.id, [0]) == {0: theirs}

    def test_a_settled_run_and_one_that_waits_cannot_be_taken(self, rig: Rig) -> None:
        batch = with_records(rig.ports, new_batch(rig.ports), 2)
        now = rig.clock.now()
        rig.ports.runs.settle(batch, [ok(batch, 0)])
        rig.ports.leases.wait(batch, [live(batch, 1, RunState.WAITING, now + 5)])
        for index in (0, 1):
            mine = live(batch, index, RunState.RUNNING, now + 60, "me")
            assert not rig.ports.leases.take(batch, mine, now + 10)
        assert rig.ports.leases.lives(batch.id, [0, 1])[1].state is RunState.WAITING

    def test_a_woken_run_may_be_taken(self, rig: Rig) -> None:
        batch = with_records(rig.ports, new_batch(rig.ports), 1)
        now = rig.clock.now()
        rig.ports.leases.wait(batch, [live(batch, 0, RunState.WAITING, now)])
        rig.ports.leases.wake(batch, now, now + 60, 10)
        assert rig.other.leases.take(batch, live(batch, 0, RunState.RUNNING, now + 60, "me"), now)

    def test_only_what_is_due_is_woken_and_only_once(self, rig: Rig) -> None:
        batch = with_records(rig.ports, new_batch(rig.ports), 3)
        now = rig.clock.now()
        rig.ports.leases.wait(
            batch,
            [live(batch, 0, RunState.WAITING, now + 5), live(batch, 1, RunState.WAITING, now + 50)],
        )
        rig.ports.leases.hold(batch, [live(batch, 2, RunState.RUNNING, now + 6, "me")])
        assert rig.ports.leases.wake(batch, now, now + 60, 10) == []
        woken = rig.ports.leases.wake(batch, now + 10, now + 70, 10)
        assert sorted(it.index for it in woken) == [0, 2]
        assert {(it.state, it.until, it.attempts) for it in woken} == {
            (RunState.QUEUED, now + 70, 2)
        }
        assert rig.ports.runs.tally(batch.id).waiting == 1
        assert rig.other.leases.wake(batch, now + 10, now + 70, 10) == []

    def test_a_woken_run_nobody_hears_of_is_woken_again(self, rig: Rig) -> None:
        batch = with_records(rig.ports, new_batch(rig.ports), 1)
        now = rig.clock.now()
        rig.ports.leases.wait(batch, [live(batch, 0, RunState.WAITING, now)])
        assert len(rig.ports.leases.wake(batch, now, now + 60, 10)) == 1
        assert len(rig.ports.leases.wake(batch, now + 61, now + 120, 10)) == 1
        assert rig.ports.runs.tally(batch.id).waiting == 0

    def test_a_pass_wakes_no_more_than_its_limit(self, rig: Rig) -> None:
        batch = with_records(rig.ports, new_batch(rig.ports), 5)
        now = rig.clock.now()
        rig.ports.leases.wait(batch, [live(batch, n, RunState.WAITING, now) for n in range(5)])
        assert len(rig.ports.leases.wake(batch, now, now + 60, 3)) == 3
        assert len(rig.ports.leases.wake(batch, now, now + 60, 3)) == 2

    def test_under_a_concurrency_limit_what_waits_is_left_to_the_frontier(self, rig: Rig) -> None:
        batch = new_batch(rig.ports, options=BatchOptions(concurrency=1))
        batch = with_records(rig.ports, batch, 2)
        now = rig.clock.now()
        rig.ports.leases.wait(batch, [live(batch, 0, RunState.WAITING, now)])
        rig.ports.leases.hold(batch, [live(batch, 1, RunState.RUNNING, now, "me")])
        woken = rig.ports.leases.wake(batch, now, now + 60, 10)
        assert [it.index for it in woken] == [1]

    def test_a_run_somebody_is_at_counts_as_running(self, rig: Rig) -> None:
        batch = with_records(rig.ports, new_batch(rig.ports), 2)
        now = rig.clock.now()
        rig.ports.queue.publish(Station.RUNS, batch.id, [b"0", b"1"])
        assert rig.ports.leases.running(batch.id, now) == 0
        rig.ports.queue.pull(Station.RUNS, 1)
        rig.ports.leases.hold(batch, [live(batch, 0, RunState.RUNNING, now + 60, "me")])
        assert rig.other.leases.running(batch.id, now) == 1
