"""Results as they come, from a real store that somebody else settles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fanfold import Result
from fanfold.domain.batch import Batch
from fanfold.engines.embedded.engine import embedded_engine
from fanfold.folds.follow import follow_results
from fanfold.ports import Ports
from fanfold.steps.stop import cancel
from fanfold.testing.conformance.rig import failed, new_batch, ok, sealed, with_records
from fanfold.testing.stations import finalized


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[Ports]:
    with embedded_engine(tmp_path / "home") as engine:
        yield engine


class Followed:
    """Follows a batch, and at each wait does what comes next in its life."""

    def __init__(self, ports: Ports, batch: Batch, *life: Callable[[], object]) -> None:
        self.seen: list[int] = []
        self.statuses: list[str] = []
        #: how many had been seen at each wait
        self.waits: list[int] = []
        self._life = list(life)
        self.is_over = False
        for result in follow_results(ports, batch.id, self._wait, lambda: self.is_over):
            if result is not None:
                self._see(result)

    def _see(self, result: Result) -> None:
        self.seen.append(result.index)
        self.statuses.append(result.status.value)

    def _wait(self) -> None:
        self.waits.append(len(self.seen))
        if not self._life:
            self.is_over = True
            return
        self._life.pop(0)()


def test_each_result_comes_once_in_record_order_as_soon_as_it_is_its_turn(ports: Ports) -> None:
    batch = sealed(ports, with_records(ports, new_batch(ports), 4))

    followed = Followed(
        ports,
        batch,
        lambda: ports.runs.settle(batch, [ok(batch, 2)]),
        lambda: ports.runs.settle(batch, [ok(batch, 0)]),
        lambda: ports.runs.settle(batch, [failed(batch, 1)]),
        lambda: ports.runs.settle(batch, [ok(batch, 3)]),
        lambda: finalized(ports, batch),
    )

    assert followed.seen == [0, 1, 2, 3]
    assert followed.statuses == ["succeeded", "failed", "succeeded", "succeeded"]
    assert followed.waits == [0, 0, 1, 3, 4]


def test_records_that_are_not_paged_yet_are_waited_for(ports: Ports) -> None:
    batch = with_records(ports, new_batch(ports), 1)
    ports.runs.settle(batch, [ok(batch, 0)])

    def page() -> None:
        ports.runs.settle(with_records(ports, ports.batches.get(batch.id), 2), [ok(batch, 1)])

    followed = Followed(ports, batch, page, lambda: sealed(ports, batch),
                        lambda: finalized(ports, batch))  # fmt: skip

    assert followed.seen == [0, 1]


def test_what_a_stopped_batch_never_ran_comes_too(ports: Ports) -> None:
    batch = sealed(ports, with_records(ports, new_batch(ports), 3))

    def stop() -> None:
        cancel(ports, batch.id)
        finalized(ports, batch)

    assert Followed(ports, batch, stop).statuses == ["canceled"] * 3


def test_of_what_has_ended_nothing_is_waited_for(ports: Ports) -> None:
    batch = sealed(ports, with_records(ports, new_batch(ports), 1200, page=500))
    ports.runs.settle(batch, [ok(batch, n) for n in range(1200)])
    finalized(ports, batch)

    followed = Followed(ports, batch)

    assert (followed.seen, followed.waits) == (list(range(1200)), [])


def test_an_empty_batch_is_waited_for_until_it_has_ended(ports: Ports) -> None:
    batch = sealed(ports, new_batch(ports))
    assert Followed(ports, batch, lambda: finalized(ports, batch)).waits == [0]


def test_whoever_has_had_enough_is_given_no_more(ports: Ports) -> None:
    batch = sealed(ports, with_records(ports, new_batch(ports), 1))
    assert Followed(ports, batch).seen == []


def test_a_look_at_what_has_not_changed_reads_one_record(
    ports: Ports, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = sealed(ports, with_records(ports, new_batch(ports), 500, page=500))
    ports.runs.settle(batch, [ok(batch, n) for n in range(1, 500)])
    asked: list[int] = []
    read = ports.runs.outcomes

    def counted(batch_id: str, start: int, stop: int) -> object:
        asked.append(stop - start)
        return read(batch_id, start, stop)

    monkeypatch.setattr(ports.runs, "outcomes", counted)
    Followed(ports, batch, lambda: None, lambda: None)

    assert asked == [1, 1, 1]
