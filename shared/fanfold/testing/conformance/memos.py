"""What waiting runs remember, and the batches that they have made."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fanfold.domain.batch import BatchState
from fanfold.domain.lineage import ASKED_FOR, Kind, Parent
from fanfold.domain.run import Live, RunState
from fanfold.errors import Conflict
from fanfold.testing.conformance.rig import Rig, live, new_batch, ok, with_records


class MemosConformance:
    def test_a_memo_is_kept_until_another_is_written(self, rig: Rig) -> None:
        batch = with_records(rig.ports, new_batch(rig.ports), 1)
        now = rig.clock.now()
        running = live(batch, 0, RunState.RUNNING, now + 60, "me")
        leases = rig.ports.leases
        leases.hold(batch, [replace(running, memo="one")])
        leases.hold(batch, [replace(running, until=now + 90)])
        assert leases.take(batch, replace(running, until=now + 120), now)
        assert rig.other.leases.lives(batch.id, [0])[0].memo == "one"
        leases.hold(batch, [replace(running, memo="two")])
        leases.wait(batch, [live(batch, 0, RunState.WAITING, now)])
        leases.wake(batch, now, now + 60, 10)
        assert rig.other.leases.lives(batch.id, [0])[0].memo == "two"

    def test_a_run_waits_with_what_it_remembers(self, rig: Rig) -> None:
        batch = with_records(rig.ports, new_batch(rig.ports), 3)
        waits = [
            replace(live(batch, index, RunState.WAITING, rig.clock.now() + 60), memo=f"m{index}")
            for index in (2, 0)
        ]
        rig.ports.leases.hold(batch, [live(batch, 1, RunState.RUNNING, 60.0, "me")])
        rig.ports.leases.wait(batch, waits)
        found = {it.index: it.memo for it in rig.other.leases.waiting(batch.id)}
        assert found == {0: "m0", 2: "m2"}
        assert list(rig.ports.leases.waiting(new_batch(rig.ports).id)) == []

    def test_a_settled_run_remembers_nothing(self, rig: Rig) -> None:
        batch = with_records(rig.ports, new_batch(rig.ports), 1)
        waiting = live(batch, 0, RunState.WAITING, rig.clock.now())
        rig.ports.leases.wait(batch, [replace(waiting, memo="one")])
        rig.ports.runs.settle(batch, [ok(batch, 0)], leased=[0])
        assert rig.ports.leases.amend(batch.id, 0, lambda it: it) is None
        assert list(rig.ports.leases.waiting(batch.id)) == []

    def test_a_live_document_is_changed_by_a_pure_function(self, rig: Rig) -> None:
        batch = with_records(rig.ports, new_batch(rig.ports), 1)
        waiting = live(batch, 0, RunState.WAITING, rig.clock.now() + 60)
        rig.ports.leases.wait(batch, [waiting])

        def answered(it: Live) -> Live:
            return replace(it, memo="answer", until=it.until - 60)

        def refused(it: Live) -> Live:
            raise Conflict(it.memo)

        changed = rig.other.leases.amend(batch.id, 0, answered)
        assert changed == replace(waiting, memo="answer", until=waiting.until - 60)
        with pytest.raises(Conflict, match="answer"):
            rig.ports.leases.amend(batch.id, 0, refused)
        assert rig.ports.leases.lives(batch.id, [0]) == {0: changed}

    def test_whose_runs_may_be_woken_is_asked_for_all_batches_at_once(self, rig: Rig) -> None:
        now = rig.clock.now()
        batches = [with_records(rig.ports, new_batch(rig.ports), 1) for _ in range(4)]
        leases = rig.ports.leases
        leases.wait(batches[0], [live(batches[0], 0, RunState.WAITING, now + 5)])
        leases.hold(batches[1], [live(batches[1], 0, RunState.RUNNING, now + 9, "me")])
        leases.wait(batches[2], [live(batches[2], 0, RunState.WAITING, now + 60)])
        due = rig.other.leases.due
        assert due(now + 4) == set()
        assert due(now + 5) == {batches[0].id}
        assert due(now + 9) == {batches[0].id, batches[1].id}

    def test_children_are_found_by_their_parent_and_apart_from_what_was_asked_for(
        self, rig: Rig
    ) -> None:
        parent = new_batch(rig.ports)
        children = []
        for index in range(3):
            rig.clock.pass_(1)
            whose = Parent(parent.id, index, 1, "node", parent.id)
            children.append(new_batch(rig.ports, parent=whose))
        whose = Parent(children[0].id, 0, 1, "node", parent.id)
        grandchild = new_batch(rig.ports, parent=whose)
        find = rig.other.batches.find
        ids = [it.id for it in reversed(children)]
        assert [it.id for it in find(parent=parent.id)] == ids
        assert [it.id for it in find(parent=parent.id, limit=1, before=ids[0])] == ids[1:2]
        assert [it.id for it in find(parent=children[0].id)] == [grandchild.id]
        assert [it.id for it in find(kinds=ASKED_FOR)] == [parent.id]
        assert len(find([BatchState.RUNNING], kinds=[Kind.CHILD])) == 4
        assert len(find([BatchState.RUNNING])) == 5
