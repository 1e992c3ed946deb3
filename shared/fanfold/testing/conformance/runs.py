"""Runs: the result and its count are one change, once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from fanfold.domain import batch as rules
from fanfold.domain.batch import BatchState, Claim, Ending
from fanfold.domain.digest import digest_of, mix
from fanfold.domain.durations import durations_of
from fanfold.domain.outcome import Succeeded, Value
from fanfold.domain.run import LogEntry, NodeEvent, RunState
from fanfold.domain.settling import Verdict
from fanfold.domain.tally import MAX_ERROR_GROUPS, OTHER
from fanfold.errors import OutcomeRefused
from fanfold.ports import MAX_OUTCOME_BYTES
from fanfold.testing.conformance.rig import (
    Rig,
    failed,
    live,
    new_batch,
    ok,
    sealed,
    with_records,
)


class RunsConformance:
    def test_settled_runs_read_as_they_were_written(self, rig: Rig) -> None:
        batch = with_records(rig.ports, new_batch(rig.ports), 3)
        logged = replace(
            ok(batch, 2, '{"a":[1,null,"ü"]}'),
            log=(
                LogEntry(1.5, "info", "hello", '{"x":1}'),
                LogEntry(1.6, "info", "a began", '{"node":"a"}', NodeEvent.STARTED),
            ),
            flow_version="abc",
            key=None,
        )
        runs = [ok(batch, 0), failed(batch, 1, "half a pair \ud800"), logged]
        assert rig.ports.runs.settle(batch, runs) == [Verdict.COUNTED] * 3
        assert rig.other.runs.read(batch.id, range(3)) == dict(enumerate(runs))
        assert rig.other.runs.read(batch.id, [2, 0, 7]) == {0: runs[0], 2: runs[2]}

    def test_a_run_is_counted_once_however_often_it_is_settled(self, rig: Rig) -> None:
        batch = with_records(rig.ports, new_batch(rig.ports), 3)
        rig.ports.runs.settle(batch, [ok(batch, 0)])
        again = rig.other.runs.settle(batch, [failed(batch, 0), ok(batch, 1)])
        assert again == [Verdict.ALREADY, Verdict.COUNTED]
        tally = rig.ports.runs.tally(batch.id)
        assert (tally.succeeded, tally.failed, tally.digest) == (2, 0, mix(0) + mix(1))
        assert rig.ports.runs.read(batch.id, [0])[0].state is RunState.SUCCEEDED

    def test_a_run_that_is_twice_in_one_group_is_counted_once(self, rig: Rig) -> None:
        batch = with_records(rig.ports, new_batch(rig.ports), 1)
        verdicts = rig.ports.runs.settle(batch, [ok(batch, 0), failed(batch, 0)])
        assert sorted(verdicts) == [Verdict.ALREADY, Verdict.COUNTED]
        assert rig.ports.runs.tally(batch.id).settled == 1

    def test_results_after_a_stop_and_after_a_close_are_refused(self, rig: Rig) -> None:
        batch = with_records(rig.ports, new_batch(rig.ports), 2)
        ending = Ending(BatchState.CANCELED, "enough")
        rig.ports.batches.amend(batch.id, lambda it: rules.stop(it, ending))
        now = rig.clock.now()
        rig.ports.batches.close(batch.id, 1, Claim("me", now + 10), now)
        assert rig.ports.runs.settle(batch, [ok(batch, 0)]) == [Verdict.LATE]
        assert rig.ports.runs.read(batch.id, [0]) == {}
        assert rig.ports.runs.tally(batch.id).succeeded == 0

    def test_results_of_another_generation_are_refused(self, rig: Rig) -> None:
        batch = with_records(rig.ports, new_batch(rig.ports), 1)
        older = replace(batch, generation=7)
        assert rig.ports.runs.settle(older, [replace(ok(batch, 0), generation=7)]) == [Verdict.LATE]
        assert rig.ports.runs.tally(batch.id).settled == 0

    def test_an_oversized_outcome_is_refused_and_nothing_of_its_group_is_written(
        self, rig: Rig
    ) -> None:
        batch = with_records(rig.ports, new_batch(rig.ports), 2)
        huge = ok(batch, 1, '"' + "x" * MAX_OUTCOME_BYTES + '"')
        with pytest.raises(OutcomeRefused):
            rig.ports.runs.settle(batch, [ok(batch, 0), huge])
        assert rig.ports.runs.tally(batch.id).settled == 0
        assert rig.ports.runs.read(batch.id, range(2)) == {}

    def test_the_tally_adds_up_counts_attempts_and_time(self, rig: Rig) -> None:
        batch = with_records(rig.ports, new_batch(rig.ports), 5)
        rig.ports.runs.settle(batch, [ok(batch, 0), failed(batch, 1)])
        rig.other.runs.settle(batch, [ok(batch, 2), ok(batch, 3), ok(batch, 4)])
        tally = rig.ports.runs.tally(batch.id)
        assert rig.other.runs.settled(batch.id) == 5
        assert (tally.succeeded, tally.failed, tally.attempts) == (4, 1, 7)
        assert tally.seconds == pytest.approx(2.5)
        assert tally.digest == digest_of(0, 5)

    def test_failures_are_grouped_and_none_is_lost_beyond_the_limit(self, rig: Rig) -> None:
        count = MAX_ERROR_GROUPS + 20
        batch = with_records(rig.ports, new_batch(rig.ports), count + 2, page=500)
        runs = [failed(batch, n, f"{'abcdefgh'[n % 8]}{'z' * (n // 8)}") for n in range(count)]
        for run in runs:
            rig.ports.runs.settle(batch, [run])
        rig.ports.runs.settle(batch, [failed(batch, count, "a"), failed(batch, count + 1, "a")])
        groups = rig.other.runs.tally(batch.id).errors
        assert len(groups) == MAX_ERROR_GROUPS + 1
        assert groups[OTHER].count == 20
        assert sum(group.count for group in groups.values()) == count + 2
        assert max(group.count for group in groups.values() if group.pattern == "a") == 3

    def test_many_writers_lose_and_double_nothing(self, rig: Rig) -> None:
        batch = with_records(rig.ports, new_batch(rig.ports), 400, page=500)
        groups = [range(n, n + 40) for n in range(0, 380, 20)]  # each overlaps the next

        def settle(group: range) -> list[Verdict]:
            engine = rig.ports if group.start % 40 else rig.other
            return engine.runs.settle(batch, [ok(batch, n) for n in group])

        with ThreadPoolExecutor(8) as pool:
            verdicts = [verdict for part in pool.map(settle, groups) for verdict in part]
        assert verdicts.count(Verdict.COUNTED) == 400
        tally = rig.ports.runs.tally(batch.id)
        assert (tally.succeeded, tally.digest) == (400, digest_of(0, 400))

    def test_a_recount_agrees_with_the_tally(self, rig: Rig) -> None:
        batch = sealed(rig.ports, with_records(rig.ports, new_batch(rig.ports), 20))
        rig.ports.runs.settle(batch, [ok(batch, n) for n in range(15)])
        rig.ports.runs.settle(batch, [failed(batch, n) for n in range(15, 20)])
        recount = rig.other.runs.recount(batch.id)
        assert (recount.succeeded, recount.failed) == (15, 5)
        assert recount.digest == rig.ports.runs.tally(batch.id).digest

    def test_outcomes_come_in_order_with_all_a_fold_reads(self, rig: Rig) -> None:
        batch = with_records(rig.ports, new_batch(rig.ports), 8)
        runs = {
            6: ok(batch, 6, "null"),
            1: ok(batch, 1, '{"a":1}'),
            3: failed(batch, 3),
            4: replace(ok(batch, 4), outcome=Succeeded(Value(blob="somewhere"))),
            7: ok(batch, 7),
        }
        rig.ports.runs.settle(batch, list(runs.values()))
        found = list(rig.other.runs.outcomes(batch.id, 1, 7))
        assert [it.index for it in found] == [1, 3, 4, 6]
        for it in found:
            run = runs[it.index]
            assert (it.key, it.state) == (run.key, run.state)
            outcome = it.outcome or Succeeded(Value(text=it.text))
            assert outcome == run.outcome
        assert list(rig.other.runs.outcomes(batch.id, 2, 3)) == []

    def test_the_slowest_come_first(self, rig: Rig) -> None:
        batch = with_records(rig.ports, new_batch(rig.ports), 5)
        other = with_records(rig.ports, new_batch(rig.ports), 1)
        took = {0: 0.5, 1: 9.0, 2: 0.001, 3: 2.0}
        rig.ports.runs.settle(batch, [replace(ok(batch, n), seconds=it) for n, it in took.items()])
        rig.ports.runs.settle(other, [replace(ok(other, 0), seconds=60.0)])
        assert [run.index for run in rig.other.runs.slowest(batch.id, 3)] == [1, 3, 0]

    def test_how_long_runs_took_is_counted_also_when_the_tally_is_closed(self, rig: Rig) -> None:
        batch = sealed(rig.ports, with_records(rig.ports, new_batch(rig.ports), 4))
        rig.ports.runs.settle(batch, [replace(ok(batch, n), seconds=0.01) for n in range(3)])
        rig.other.runs.settle(batch, [replace(failed(batch, 3), seconds=20.0)])
        expected = durations_of([0.01, 0.01, 0.01, 20.0])
        assert rig.ports.runs.tally(batch.id).durations == expected
        now = rig.clock.now()
        rig.ports.batches.close(batch.id, 1, Claim("me", now + 60), now)
        assert rig.other.runs.tally(batch.id).durations == expected

    def test_batches_do_not_see_each_others_runs(self, rig: Rig) -> None:
        one = with_records(rig.ports, new_batch(rig.ports), 3)
        two = with_records(rig.ports, new_batch(rig.ports), 3)
        rig.ports.runs.settle(one, [ok(one, 0), failed(one, 1)])
        assert rig.ports.runs.read(two.id, range(3)) == {}
        assert rig.ports.runs.tally(two.id).settled == 0
        assert rig.ports.runs.recount(two.id).succeeded == 0

    def test_settling_ends_a_lease_and_a_wait(self, rig: Rig) -> None:
        batch = with_records(rig.ports, new_batch(rig.ports), 2)
        now = rig.clock.now()
        rig.ports.leases.hold(batch, [live(batch, 0, RunState.RUNNING, now + 60, "me")])
        rig.ports.leases.wait(batch, [live(batch, 1, RunState.WAITING, now + 60)])
        assert rig.ports.runs.tally(batch.id).waiting == 1
        rig.other.runs.settle(batch, [ok(batch, 0), ok(batch, 1)], leased=[0, 1])
        assert rig.ports.leases.lives(batch.id, range(2)) == {}
        assert rig.ports.runs.tally(batch.id).waiting == 0
