"""Frontier: the limit holds, and a release is not forgotten before it is published."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from fanfold.domain import batch as rules
from fanfold.domain.batch import Batch
from fanfold.domain.frontier import Release
from fanfold.domain.options import BatchOptions
from fanfold.domain.run import RunState
from fanfold.ports import Ports
from fanfold.testing.conformance.rig import Rig, live, new_batch, ok, with_records


class FrontierConformance:
    def test_no_more_is_released_than_the_limit_allows(self, rig: Rig) -> None:
        batch = _limited(rig.ports, concurrency=3, records=10)
        first = _advance(rig.ports, batch, "a")
        assert first is not None
        assert (first.start, first.stop) == (0, 3)
        assert _advance(rig.other, batch, "b") is None
        rig.ports.runs.settle(batch, [ok(batch, 0), ok(batch, 2)])
        second = _advance(rig.other, batch, "c")
        assert second is not None
        assert (second.start, second.stop) == (3, 5)

    def test_no_more_is_released_than_has_been_paged(self, rig: Rig) -> None:
        batch = _limited(rig.ports, concurrency=8, records=5)
        release = _advance(rig.ports, batch, "a")
        assert release is not None
        assert release.stop == 5
        with_records(rig.ports, batch, 7)
        more = _advance(rig.ports, batch, "b")
        assert more is not None
        assert (more.start, more.stop) == (5, 7)

    def test_a_release_is_pending_until_it_is_said_to_be_published(self, rig: Rig) -> None:
        batch = _limited(rig.ports, concurrency=2, records=10)
        first = _advance(rig.ports, batch, "a", record=7)
        assert rig.other.frontier.window(batch.id).pending == {"a": first}
        rig.ports.runs.settle(batch, [ok(batch, 0)])
        second = rig.ports.frontier.advance(batch, "b", 0, ["a"], rig.clock.now())
        assert rig.other.frontier.window(batch.id).pending == {"b": second}
        assert rig.ports.frontier.advance(batch, "c", None, ["b"], rig.clock.now()) is None
        assert rig.other.frontier.window(batch.id).pending == {}

    def test_a_waiting_run_frees_its_place_and_takes_one_when_it_is_due(self, rig: Rig) -> None:
        batch = _limited(rig.ports, concurrency=1, records=10)
        _advance(rig.ports, batch, "a")
        now = rig.clock.now()
        rig.ports.leases.wait(batch, [live(batch, 0, RunState.WAITING, now + 5)])
        second = _advance(rig.ports, batch, "b")
        assert second is not None
        assert (second.start, second.stop, second.woken) == (1, 2, ())
        rig.clock.pass_(10)
        assert _advance(rig.ports, batch, "c") is None  # due, but the place is taken
        rig.ports.runs.settle(batch, [ok(batch, 1)])
        third = _advance(rig.ports, batch, "d")
        assert third is not None
        assert (len(third), third.woken) == (1, (0,))
        assert rig.ports.leases.lives(batch.id, [0])[0].state is RunState.QUEUED
        assert _advance(rig.ports, batch, "e") is None

    def test_a_paused_batch_releases_nothing(self, rig: Rig) -> None:
        batch = _limited(rig.ports, concurrency=3, records=10)
        rig.ports.batches.amend(batch.id, rules.pause)
        assert _advance(rig.ports, batch, "a") is None

    def test_a_batch_without_a_limit_has_nothing_to_release(self, rig: Rig) -> None:
        batch = with_records(rig.ports, new_batch(rig.ports), 3)
        assert _advance(rig.ports, batch, "a") is None

    def test_many_who_advance_at_once_release_each_position_once(self, rig: Rig) -> None:
        batch = _limited(rig.ports, concurrency=50, records=50)

        def settle_and_advance(number: int) -> Release | None:
            engine = rig.ports if number % 2 else rig.other
            return _advance(engine, batch, f"token-{number}")

        with ThreadPoolExecutor(8) as pool:
            releases = [it for it in pool.map(settle_and_advance, range(16)) if it is not None]
        released = sorted(n for it in releases for n in range(it.start, it.stop))
        assert released == list(range(50))


def _limited(ports: Ports, concurrency: int, records: int) -> Batch:
    batch = new_batch(ports, options=BatchOptions(concurrency=concurrency))
    return with_records(ports, batch, records)


def _advance(ports: Ports, batch: Batch, token: str, record: int | None = None) -> Release | None:
    return ports.frontier.advance(batch, token, record, [], ports.clock.now())
