"""Batches: created once, amended atomically, paged without gaps, closed by one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fanfold.domain import batch as rules
from fanfold.domain import following
from fanfold.domain.batch import Batch, BatchState, Claim, Ending
from fanfold.domain.generation import Chosen
from fanfold.domain.lineage import Kind
from fanfold.domain.options import BatchOptions
from fanfold.domain.retrying import retry
from fanfold.domain.run import RunState
from fanfold.domain.source import Checkpoint
from fanfold.domain.tally import Tally
from fanfold.errors import BatchNotFound, Contended, IllegalTransition
from fanfold.testing.conformance.rig import (
    Rig,
    after_page,
    failed,
    live,
    new_batch,
    ok,
    page_of,
    sealed,
    with_records,
)


class BatchesConformance:
    def test_a_batch_reads_as_it_was_written_from_any_process(self, rig: Rig) -> None:
        batch = new_batch(rig.ports)
        assert rig.other.batches.get(batch.id) == batch

    def test_a_batch_that_is_not_there_is_said_so(self, rig: Rig) -> None:
        with pytest.raises(BatchNotFound):
            rig.ports.batches.get("batch-aaaaaaaaaaaaaaaa")

    def test_creating_a_batch_twice_keeps_the_first(self, rig: Rig) -> None:
        batch = new_batch(rig.ports)
        stored = rig.other.batches.create(replace(batch, request_digest="another"))
        assert stored == batch
        assert rig.ports.batches.get(batch.id) == batch

    def test_what_an_arrow_raises_leaves_nothing_behind(self, rig: Rig) -> None:
        batch = new_batch(rig.ports)

        def arrow(it: Batch) -> Batch:
            rules.pause(it)
            raise IllegalTransition("no")

        with pytest.raises(IllegalTransition):
            rig.ports.batches.amend(batch.id, arrow)
        assert rig.ports.batches.get(batch.id) == batch

    def test_batches_are_found_newest_first_by_state_and_in_parts(self, rig: Rig) -> None:
        batches = []
        for _ in range(4):
            batches.append(new_batch(rig.ports))
            rig.clock.pass_(1)
        rig.ports.batches.amend(batches[1].id, rules.pause)
        ids = [batch.id for batch in reversed(batches)]
        assert [it.id for it in rig.other.batches.find()] == ids
        assert [it.id for it in rig.ports.batches.find(limit=2)] == ids[:2]
        assert [it.id for it in rig.ports.batches.find(limit=2, before=ids[1])] == ids[2:]
        paused = rig.ports.batches.find([BatchState.PAUSED])
        assert [it.id for it in paused] == [batches[1].id]

    def test_runs_started_by_themselves_are_found_apart(self, rig: Rig) -> None:
        batch = new_batch(rig.ports)
        rig.clock.pass_(1)
        single = new_batch(rig.ports, single=True)
        rig.clock.pass_(1)
        paused = rig.ports.batches.amend(new_batch(rig.ports, single=True).id, rules.pause)
        find = rig.other.batches.find
        assert [it.id for it in find(kinds=[Kind.BATCH])] == [batch.id]
        assert [it.id for it in find(kinds=[Kind.RUN])] == [paused.id, single.id]
        assert [it.id for it in find([BatchState.RUNNING], kinds=[Kind.RUN])] == [single.id]
        assert [it.id for it in find(kinds=[Kind.RUN], limit=1, before=paused.id)] == [single.id]

    def test_those_that_wait_for_a_batch_are_found_until_they_begin_or_have_ended(
        self, rig: Rig
    ) -> None:
        batches = rig.ports.batches
        one, two = new_batch(rig.ports), new_batch(rig.ports)
        both = new_batch(rig.ports, options=BatchOptions(after=[one.id, two.id]))
        late = new_batch(rig.ports, options=BatchOptions(after=[one.id]))
        find = rig.other.batches.followers
        assert {it.id for it in find(one.id)} == {both.id, late.id}
        assert find(two.id) == [both]
        assert find(both.id) == []
        batches.amend(late.id, lambda it: following.begin(it, it))
        assert find(one.id) == [both]
        batches.amend(both.id, lambda it: replace(it, options=BatchOptions(after=[late.id])))
        assert find(one.id) == find(two.id) == []
        assert [it.id for it in find(late.id)] == [both.id]
        ending = Ending(BatchState.SKIPPED, "it failed")
        batches.amend(both.id, lambda it: rules.stop(it, ending))
        assert [it.id for it in find(late.id)] == [both.id], "somebody has to ask for its end"
        _close(rig, both)
        batches.amend(both.id, lambda it: rules.end(it, BatchState.SKIPPED, rig.clock.now()))
        assert find(late.id) == []

    def test_one_that_never_began_waits_again_when_it_is_run_again(self, rig: Rig) -> None:
        batches = rig.ports.batches
        before = new_batch(rig.ports)
        after = new_batch(rig.ports, options=BatchOptions(after=[before.id]))
        batches.amend(after.id, lambda it: rules.stop(it, Ending(BatchState.SKIPPED, "it failed")))
        _close(rig, after)
        batches.amend(after.id, lambda it: rules.end(it, BatchState.SKIPPED, rig.clock.now()))
        chosen = Chosen(0, 0, "--skipped")
        batches.reopen(after.id, lambda it: retry(it, 1, chosen, Tally(), "order", it.options))
        assert [it.id for it in rig.other.batches.followers(before.id)] == [after.id]

    def test_of_batches_of_one_moment_none_is_found_twice_or_never(self, rig: Rig) -> None:
        ids = {new_batch(rig.ports).id for _ in range(5)}
        found: list[str] = []
        while part := rig.ports.batches.find(limit=2, before=found[-1] if found else ""):
            found += [it.id for it in part]
        assert len(found) == 5
        assert set(found) == ids

    def test_records_come_back_in_order_across_pages(self, rig: Rig) -> None:
        batch = with_records(rig.ports, new_batch(rig.ports), 25)
        records = list(rig.other.batches.records(batch.id, 7, 23))
        assert [it.index for it in records] == list(range(7, 23))
        assert (records[0].key, records[0].data) == ("key-7", {"n": 7})
        assert list(rig.ports.batches.records(batch.id, 25, 30)) == []

    def test_a_page_from_an_older_checkpoint_is_refused_and_not_stored(self, rig: Rig) -> None:
        batch = with_records(rig.ports, new_batch(rig.ports), 10)
        start = Checkpoint()
        with pytest.raises(Contended):
            rig.other.batches.append(page_of(batch, start, 5), start, after_page(start, 5))
        stored = rig.ports.batches.get(batch.id)
        assert stored.checkpoint.records == 10
        assert len(list(rig.ports.batches.records(batch.id, 0, 10))) == 10

    def test_a_stopped_batch_takes_no_more_pages(self, rig: Rig) -> None:
        batch = with_records(rig.ports, new_batch(rig.ports), 10)
        ending = Ending(BatchState.CANCELED, "enough")
        rig.ports.batches.amend(batch.id, lambda it: rules.stop(it, ending))
        before = batch.checkpoint
        with pytest.raises(IllegalTransition):
            rig.ports.batches.append(page_of(batch, before, 5), before, after_page(before, 5))

    def test_closing_too_early_changes_nothing(self, rig: Rig) -> None:
        batch = sealed(rig.ports, with_records(rig.ports, new_batch(rig.ports), 3))
        rig.ports.runs.settle(batch, [ok(batch, 0), ok(batch, 1)])
        assert _close(rig, batch).state is BatchState.RUNNING
        assert rig.ports.runs.tally(batch.id).settled == 2

    def test_an_unsealed_batch_is_not_closed_however_much_is_settled(self, rig: Rig) -> None:
        batch = with_records(rig.ports, new_batch(rig.ports), 2)
        rig.ports.runs.settle(batch, [ok(batch, 0), ok(batch, 1)])
        assert _close(rig, batch).state is BatchState.RUNNING

    def test_closing_seals_the_tally_for_good(self, rig: Rig) -> None:
        batch = sealed(rig.ports, with_records(rig.ports, new_batch(rig.ports), 3))
        rig.ports.runs.settle(batch, [ok(batch, 0), failed(batch, 1), ok(batch, 2)])
        closed = _close(rig, batch)
        assert closed.state is BatchState.FINALIZING
        assert closed.closed is not None
        assert (closed.closed.succeeded, closed.closed.failed) == (2, 1)
        assert closed.closed.digest == closed.checkpoint.digest
        assert sum(group.count for group in closed.closed.errors.values()) == 1
        assert rig.other.runs.tally(batch.id) == closed.closed

    def test_one_claim_wins_and_a_living_one_stays(self, rig: Rig) -> None:
        batch = sealed(rig.ports, new_batch(rig.ports))
        assert _close(rig, batch, "first").claim == Claim("first", rig.clock.now() + 10)
        second = rig.other.batches.close(
            batch.id, 1, Claim("second", rig.clock.now() + 10), rig.clock.now()
        )
        assert second.claim is not None
        assert second.claim.owner == "first"
        rig.clock.pass_(11)
        third = _close(rig, batch, "third")
        assert third.claim is not None
        assert third.claim.owner == "third"

    def test_a_stopped_batch_closes_with_the_rest_canceled(self, rig: Rig) -> None:
        batch = with_records(rig.ports, new_batch(rig.ports), 5)
        rig.ports.runs.settle(batch, [ok(batch, 4)])
        ending = Ending(BatchState.CANCELED, "enough")
        rig.ports.batches.amend(batch.id, lambda it: rules.stop(it, ending))
        closed = _close(rig, batch)
        assert closed.closed is not None
        assert (closed.closed.succeeded, closed.closed.canceled, closed.total) == (1, 4, 5)

    def test_a_close_of_another_generation_changes_nothing(self, rig: Rig) -> None:
        batch = sealed(rig.ports, new_batch(rig.ports))
        now = rig.clock.now()
        answer = rig.ports.batches.close(batch.id, 2, Claim("me", now + 10), now)
        assert answer.state is BatchState.RUNNING

    def test_records_are_erased_stretch_by_stretch_and_others_stay(self, rig: Rig) -> None:
        batch = sealed(rig.ports, with_records(rig.ports, new_batch(rig.ports), 30, page=10))
        other = with_records(rig.ports, new_batch(rig.ports), 5)
        rig.ports.runs.settle(batch, [ok(batch, index) for index in range(25)])
        rig.ports.runs.settle(other, [ok(other, 0)])
        until = rig.clock.now() + 60
        rig.ports.leases.hold(batch, [live(batch, 27, RunState.RUNNING, until, "me")])
        rig.other.batches.erase(batch.id, 0, 10)
        rig.other.batches.erase(batch.id, 0, 10)
        assert sorted(rig.ports.runs.read(batch.id, range(30))) == list(range(10, 25))
        assert list(rig.ports.batches.records(batch.id, 0, 10)) == []
        assert len(list(rig.ports.batches.records(batch.id, 10, 30))) == 20
        rig.ports.batches.erase(batch.id, 10, 30)
        assert rig.other.runs.read(batch.id, range(30)) == {}
        assert rig.other.leases.lives(batch.id, range(30)) == {}
        assert sorted(rig.ports.runs.read(other.id, range(5))) == [0]
        assert len(list(rig.ports.batches.records(other.id, 0, 5))) == 5
        assert rig.ports.batches.get(batch.id).total == 30

    def test_a_batch_that_is_forgotten_is_not_there_any_more(self, rig: Rig) -> None:
        batch, other = new_batch(rig.ports), new_batch(rig.ports)
        rig.ports.batches.forget(batch.id)
        rig.ports.batches.forget(batch.id)
        with pytest.raises(BatchNotFound):
            rig.other.batches.get(batch.id)
        assert [it.id for it in rig.other.batches.find()] == [other.id]


def _close(rig: Rig, batch: Batch, owner: str = "me") -> Batch:
    now = rig.clock.now()
    return rig.ports.batches.close(batch.id, batch.generation, Claim(owner, now + 10), now)
