"""find_run: how one run is, whichever batch it is of, before it has a document as well as after.

| the run is              | told by                                                      | reads |
|-------------------------|--------------------------------------------------------------|-------|
| settled                 | its document                                                 | 1     |
| running, or waits       | its live document                                            | 2     |
| queued                  | neither, and its batch is open                               | 2     |
| canceled, skipped       | neither, and its batch is closed                             | 1     |
| started by itself, over | its batch, whose closed counts are those of this one run     | none  |
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from fanfold.domain.batch import Batch
from fanfold.domain.ids import place_of_run, run_id_of
from fanfold.domain.memo import decode
from fanfold.domain.pruning import check_not_pruned
from fanfold.domain.records import Record
from fanfold.domain.run import TERMINAL, Live, LogEntry, Run, RunState
from fanfold.domain.settling import Settled
from fanfold.domain.tally import Tally
from fanfold.errors import BlobNotFound, RecordNotFound, RunNotFound
from fanfold.folds.result import Result
from fanfold.folds.stream import missing, rest_of, result_of
from fanfold.ports import Blobs, Ports
from fanfold.sources.copy import read_copy
from fanfold.steps.answer import Asked, questions_of

_WINDOW = 500


@dataclass(frozen=True, slots=True)
class RunView:
    batch: Batch
    index: int
    state: RunState
    attempts: int = 0
    seconds: float = 0.0
    started_at: float | None = None
    ended_at: float | None = None
    #: type and message of the failure, or why it was canceled or skipped
    error: dict[str, str] | None = None
    flow_version: str = ""
    #: what its flow says that it has cost (domain.money)
    spent: int = 0
    #: of one that waits: what it asks, and the batches that its items are
    questions: tuple[Asked, ...] = ()
    children: tuple[str, ...] = ()

    @property
    def run_id(self) -> str:
        return run_id_of(self.batch.id, self.index)

    @property
    def ended(self) -> bool:
        return self.state in TERMINAL


@dataclass(frozen=True, slots=True)
class WholeRun:
    """With what takes more to read."""

    view: RunView
    key: str | None
    #: the record's data; of a larger batch, as far as its source has been read
    input: Any
    output: Any
    log: tuple[LogEntry, ...]
    #: of one that failed by raising: where
    traceback: str | None = None


def index_of(ports: Ports, batch: Batch, record: str) -> int:
    """A number is an index; anything else a key, whose first record is meant. Raises
    RecordNotFound."""
    if record.isascii() and record.isdecimal() and int(record) < batch.known_total:
        return int(record)
    for it in ports.batches.records(batch.id, 0, batch.known_total):
        if it.key == record:
            return it.index
    many = f"an index below {batch.known_total:,}, or a key"
    raise RecordNotFound(f"{batch.id} has no record {record[:100]!r}: name one by {many}")


def place_of(run_id: str) -> tuple[str, int]:
    """Its batch's id and its index. Raises RunNotFound for what names none."""
    try:
        return place_of_run(run_id)
    except ValueError:
        raise RunNotFound(f"{run_id!r} is not the id of a run") from None


def run_at(ports: Ports, batch: Batch, index: int) -> RunView:
    """Of a batch that was read just now. Raises RunNotFound for a record that it has not."""
    return _look(ports, batch, index)[0]


def whole_run(ports: Ports, batch: Batch, index: int) -> WholeRun:
    """Raises RunNotFound for a record that the batch has not."""
    view, found = _look(ports, batch, index, whole=True)
    record = next(iter(ports.batches.records(batch.id, index, index + 1)), None)
    if record is None and batch.single:
        record = _to_come(ports, batch)
    key, data = (None, None) if record is None else (record.key, record.data)
    match found:
        case Run():
            output = _result(found, ports.blobs).output
            return WholeRun(view, key, data, output, found.log, found.traceback)
        case Live(memo=memo) if memo:
            return WholeRun(view, key, data, None, tuple(decode(memo).log))
        case _:
            return WholeRun(view, key, data, None, ())


def _to_come(ports: Ports, batch: Batch) -> Record | None:
    """Of a run started by itself, the record that its source holds and that no page has yet."""
    if not batch.source.blob:
        return None
    try:
        chunks = ports.blobs.read(batch.source.blob)
        for line in read_copy(chunks, name=batch.source.name):
            return Record(0, line.key, line.body)
    except BlobNotFound:  # read meanwhile, and removed
        pass
    return None


def log_of(whole: WholeRun) -> Iterator[tuple[str, LogEntry]]:
    """What its flow has written, and the nodes of its graph, between what has become of it; each
    with what it is. Of one that has not ended: up to where it waits, or was tried last."""
    view = whole.view
    yield "created", LogEntry(view.batch.created_at, "info", "it was asked for")
    if view.started_at is not None:
        yield "started", LogEntry(view.started_at, "info", "its first attempt began")
    for entry in whole.log:
        yield entry.code or "log", entry
    if view.ended_at is not None:
        error = view.error or {}
        told = ": ".join(it for it in (error.get("type"), error.get("message")) if it)
        level = "error" if view.state is RunState.FAILED else "info"
        yield str(view.state), LogEntry(view.ended_at, level, told or str(view.state))


def runs_that_tell(ports: Ports, batch: Batch) -> Iterator[Run]:
    """In record order, those of its settled runs that have failed, or whose flow has written."""
    check_not_pruned(batch)
    for start in range(0, batch.known_total, _WINDOW):
        indexes = range(start, min(start + _WINDOW, batch.known_total))
        found = ports.runs.read(batch.id, indexes)
        for index in sorted(found):
            if found[index].log or found[index].state is RunState.FAILED:
                yield found[index]


def _look(
    ports: Ports, batch: Batch, index: int, *, whole: bool = False
) -> tuple[RunView, Run | Live | None]:
    if whole:
        check_not_pruned(batch)
    # a run started by itself is there before its source has been read, and if that never is
    if index >= max(batch.known_total, int(batch.single)):
        raise RunNotFound(f"{batch.id} has no record {index}")
    if batch.single and batch.closed is not None and not whole:
        return _counted(batch, batch.closed), None
    run = ports.runs.read(batch.id, [index]).get(index)
    if run is not None and _stands(batch, run):
        succeeded = run.state is RunState.SUCCEEDED
        error = None if succeeded else _result(run, ports.blobs).error
        view = RunView(
            batch,
            index,
            run.state,
            run.attempts,
            run.seconds,
            run.started_at,
            run.ended_at,
            error,
            run.flow_version,
            run.spent,
        )
        return view, run
    if batch.closed is None:
        live = ports.leases.lives(batch.id, [index]).get(index)
        if live is not None and live.generation != batch.generation:
            live = None
        return _unsettled(batch, index, live), live
    state, reason = rest_of(batch)
    error = missing(index, None, state, reason).error
    return RunView(batch, index, state, ended_at=batch.closed_at, error=error), None


def _stands(batch: Batch, run: Run) -> bool:
    """A retry removes the results of what it runs again, but not in the same moment."""
    is_cleared = batch.chosen is None or batch.chosen.cleared
    return run.generation == batch.generation or is_cleared or not batch.single


def _unsettled(batch: Batch, index: int, live: Live | None) -> RunView:
    if live is None:
        return RunView(batch, index, RunState.QUEUED)
    view = RunView(
        batch, index, live.state, live.attempts, live.seconds, live.started_at or None,
        spent=live.spent,
    )  # fmt: skip
    if not live.memo:
        return view
    children = tuple(it.batch_id for it in decode(live.memo).children.values())
    return replace(view, questions=tuple(questions_of(live)), children=children)


def _counted(batch: Batch, closed: Tally) -> RunView:
    """By the counts, which are of this run alone."""
    states = (RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELED, RunState.SKIPPED)
    rest, reason = rest_of(batch)
    state = next((it for it in states if getattr(closed, it)), rest)
    error = None
    if state is RunState.FAILED:
        error = next({"type": it.type, "message": it.example} for it in closed.errors.values())
    elif state is not RunState.SUCCEEDED:
        error = missing(0, None, state, reason).error
    started_at = batch.started_at if closed.attempts else None
    return RunView(
        batch,
        0,
        state,
        closed.attempts,
        closed.seconds,
        started_at,
        batch.closed_at,
        error,
        batch.flow.version,
        closed.spent,
    )


def _result(run: Run, blobs: Blobs) -> Result:
    return result_of(Settled(run.index, run.key, run.state, None, run.outcome), blobs)
