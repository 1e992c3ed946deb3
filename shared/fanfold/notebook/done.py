"""A batch that has ended, and its results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, overload

from fanfold.domain.batch import Batch, BatchState
from fanfold.errors import BatchNotFound, FanfoldError
from fanfold.folds.result import Result
from fanfold.folds.stream import stream_results
from fanfold.ports import Ports
from fanfold.settings import Settings
from fanfold.steps.statistics import Statistics, statistics_of
from fanfold.steps.status import Status
from fanfold.wiring import open_fanfold

_GROUPS_TOLD = 3


class RecordsFailed(FanfoldError):
    """Not every record succeeded. `done.results` has what did, and why the others did not."""


class Results(Sequence[Result]):
    """One for each record, in record order, whatever became of it.

    They stay in the home, and are read from there each time: a batch may have more of them than
    fit in memory.
    """

    def __init__(self, settings: Settings, batch: Batch) -> None:
        self._settings = settings
        self._batch = batch

    def __len__(self) -> int:
        return self._batch.known_total

    def __iter__(self) -> Iterator[Result]:
        return self._read(0, len(self))

    @overload
    def __getitem__(self, index: int) -> Result: ...

    @overload
    def __getitem__(self, index: slice) -> list[Result]: ...

    def __getitem__(self, index: int | slice) -> Result | list[Result]:
        if isinstance(index, slice):
            wanted = range(len(self))[index]
            low, high = min(wanted, default=0), max(wanted, default=-1) + 1
            return list(self._read(low, high))[:: wanted.step]
        try:
            place = range(len(self))[index]
        except IndexError:
            raise IndexError(f"there is no record {index}: there are {len(self):,}") from None
        (found,) = self._read(place, place + 1)
        return found

    def _read(self, start: int, stop: int) -> Iterator[Result]:
        with opened_again(self._settings) as ports:
            yield from stream_results(
                ports.runs, ports.batches, ports.blobs, self._batch, start=start, stop=stop
            )


@dataclass(frozen=True, slots=True, repr=False)
class Done:
    #: as it ended
    status: Status
    #: for each record, in record order; read from the home as often as they are iterated
    results: Results
    #: what the flow's fold made of them; None without one
    output: Any

    @property
    def batch_id(self) -> str:
        return self.status.batch.id

    @property
    def state(self) -> BatchState:
        return self.status.batch.state

    @property
    def outputs(self) -> list[Any]:
        """In record order, None where a record has none: `zip(records, done.outputs)` is right. If
        the flow itself may return None, `results` tells the two apart."""
        return [result.output for result in self.results]

    @property
    def statistics(self) -> Statistics:
        return statistics_of(self.status)

    @property
    def ok(self) -> bool:
        """Whether it completed, and every record succeeded."""
        counts = self.status.counts
        return self.state is BatchState.COMPLETED and counts.succeeded == counts.total

    def raise_for_failures(self) -> None:
        """Raises RecordsFailed, which tells what failed, unless every record succeeded."""
        if not self.ok:
            raise RecordsFailed(". ".join(self._told()))

    def __len__(self) -> int:
        return len(self.results)

    def __getitem__(self, index: int) -> Result:
        return self.results[index]

    def __iter__(self) -> Iterator[Result]:
        return iter(self.results)

    def __repr__(self) -> str:
        counts = self.status.counts
        names = ("succeeded", "failed", "canceled", "skipped")
        parts = [f"{getattr(counts, it):,} {it}" for it in names if getattr(counts, it)]
        told = ", ".join(parts) or "no records"
        return f"<{self.batch_id} {self.state}: {told}, {self.status.seconds:.1f} s>"

    def _told(self) -> Iterator[str]:
        batch, counts = self.status.batch, self.status.counts
        lost = counts.total - counts.succeeded
        yield f"{lost:,} of {counts.total:,} records have no output; {batch.id} is {batch.state}"
        if batch.failure is not None:
            yield batch.failure.message.rstrip(".")
        for group in self.statistics.errors[:_GROUPS_TOLD]:
            yield (
                f"{group.count:,} x {group.type}, such as record {group.example_index}: "
                f"{group.example.rstrip('.')}"
            )


@contextmanager
def opened_again(settings: Settings) -> Iterator[Ports]:
    """To read. A home that is gone is not made anew by looking for it."""
    if not settings.home.is_dir():
        raise BatchNotFound(
            f"the home {settings.home} is gone, and the results with it. Read them before it goes"
        )
    with open_fanfold(settings) as fanfold:
        yield fanfold.ports
