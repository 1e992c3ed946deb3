"""What the API answers with. Beside our own names a batch has those of Buttermilk's documented API,
so that what reads that reads this."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Self

from pydantic import BaseModel, Field

from fanfold.domain.batch import Batch
from fanfold.domain.certificate import Certificate
from fanfold.domain.run import Live, LogEntry, Run
from fanfold.domain.tally import ErrorGroup
from fanfold.folds.result import Result
from fanfold.steps.expenses import expenses_of
from fanfold.steps.statistics import statistics_of
from fanfold.steps.status import Status, reason_of

_GROUPS_TOLD = 10


def _run_above(batch: Batch) -> str | None:
    return None if batch.parent is None or batch.parent.is_fold else batch.parent.run_id


def moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


class CountsShape(BaseModel):
    """They add up: the total is the sum of the others."""

    total: int
    queued: int
    running: int
    waiting: int
    succeeded: int
    failed: int
    canceled: int
    skipped: int


class ErrorShape(BaseModel):
    """Failures that are the same but for their varying parts."""

    fingerprint: str
    count: int
    type: str
    pattern: str
    #: one of them, and the record it is of
    example: str
    example_index: int

    @classmethod
    def of(cls, group: ErrorGroup) -> Self:
        return cls.model_validate(group, from_attributes=True)


class CostShape(BaseModel):
    """In dollars."""

    #: as its flow says with `ctx.spend`
    spent: float
    #: more than that ends the batch
    max_spend: float | None
    #: what the services take for it so far, at list prices; none are paid on a desk
    services: float | None


class AwaitedShape(BaseModel):
    """A batch that another one waits for."""

    batch_id: str
    status: str


class BatchShape(BaseModel):
    """A batch, at a glance."""

    batch_id: str
    flow: str
    status: str
    generation: int
    #: whether the total is known already, or may still grow
    sealed: bool
    counts: CountsShape
    #: of all records, from 0 to 1
    progress: float
    #: records a second since it was started, and the seconds that the rest takes at that
    rate: float | None
    eta: float | None
    label: str | None
    tags: list[str]
    owner: str
    source: str
    #: of the items of a run's node: the run that waits for them
    parent_run: str | None
    options: dict[str, Any]
    created_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    #: why it is or ended as it is, where that needs saying
    error: str | None
    #: whether it is paused by its canary, and goes on when it is resumed
    held: bool
    #: those that have to end before it begins
    waits_for: list[AwaitedShape]
    cost: CostShape
    #: its failures by what is the same in them, the ten most frequent; …/errors has all
    errors: list[ErrorShape]
    # Buttermilk's names
    id: str
    total_jobs: int
    completed_jobs: int
    failed_jobs: int
    completed_at: datetime | None
    parameters: dict[str, Any]
    interactive: bool = False

    @classmethod
    def of(cls, status: Status, *, on_google: bool) -> Self:
        batch, counts = status.batch, status.counts
        statistics = statistics_of(status)
        rate = statistics.records_per_second
        left = counts.total - counts.settled
        eta = left / rate if rate and batch.sealed and not batch.ended else None
        return cls(
            batch_id=batch.id,
            flow=batch.flow.shown,
            status=str(batch.state),
            generation=batch.generation,
            sealed=batch.sealed,
            counts=CountsShape.model_validate(counts, from_attributes=True),
            progress=counts.settled / counts.total if counts.total else float(batch.ended),
            rate=rate,
            eta=eta,
            label=batch.options.label,
            tags=batch.options.tags,
            owner=batch.owner,
            source=batch.source.name,
            parent_run=_run_above(batch),
            options=batch.options.model_dump(),
            created_at=moment(batch.created_at),
            started_at=moment(batch.started_at),
            ended_at=moment(batch.ended_at),
            error=reason_of(status),
            held=batch.is_held,
            waits_for=[
                AwaitedShape(batch_id=it.id, status=str(it.state)) for it in status.waits_for
            ],
            cost=CostShape.model_validate(
                expenses_of(status, on_google=on_google), from_attributes=True
            ),
            errors=[ErrorShape.of(it) for it in statistics.errors[:_GROUPS_TOLD]],
            id=batch.id,
            total_jobs=counts.total,
            completed_jobs=counts.succeeded,
            failed_jobs=counts.failed,
            completed_at=moment(batch.ended_at),
            parameters=batch.options.parameters,
        )


class JobShape(BaseModel):
    """A record's result, or that it has none yet."""

    #: what names it in an address: its key, or its index
    record_id: str
    index: int
    key: str | None
    status: str
    error: dict[str, str] | None = None

    @classmethod
    def of(cls, result: Result) -> Self:
        return cls(
            record_id=str(result.index) if result.key is None else result.key,
            index=result.index,
            key=result.key,
            status=str(result.status),
            error=result.error,
        )


class LogShape(BaseModel):
    time: datetime | None
    level: str
    message: str
    fields: str = ""

    @classmethod
    def of(cls, entry: LogEntry) -> Self:
        return cls(
            time=moment(entry.time), level=entry.level, message=entry.message, fields=entry.fields
        )


class ResultShape(JobShape):
    """All there is to say of a record's run."""

    output: Any = None
    attempts: int = 0
    seconds: float = 0.0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    flow_version: str = ""
    log: list[LogShape] = Field(default_factory=list)
    #: of one that failed by raising: where; for whoever may manage the batch
    traceback: str | None = None

    @classmethod
    def whole(cls, result: Result, run: Run | None, live: Live | None) -> Self:
        shape = cls(**JobShape.of(result).model_dump(), output=result.output)
        if run is not None:
            shape.attempts, shape.seconds = run.attempts, run.seconds
            shape.started_at, shape.ended_at = moment(run.started_at), moment(run.ended_at)
            shape.flow_version, shape.log = run.flow_version, [LogShape.of(it) for it in run.log]
        elif live is not None:
            shape.status, shape.attempts = str(live.state), live.attempts
            shape.seconds, shape.started_at = live.seconds, moment(live.started_at or None)
        return shape


class CertificateShape(BaseModel):
    """The proof that a batch's counts are right, derived anew from its runs' documents."""

    holds: bool
    whole: bool
    total: int
    succeeded: int
    failed: int
    canceled: int
    skipped: int
    #: 64 bits and more: as text, for not every reader keeps them
    digest: str
    expected_digest: str
    recounted_succeeded: int
    recounted_failed: int
    recounted_digest: str
    at: datetime | None

    @classmethod
    def of(cls, certificate: Certificate) -> Self:
        return cls(
            holds=certificate.holds,
            whole=certificate.whole,
            total=certificate.total,
            succeeded=certificate.succeeded,
            failed=certificate.failed,
            canceled=certificate.canceled,
            skipped=certificate.skipped,
            digest=str(certificate.digest),
            expected_digest=str(certificate.expected_digest),
            recounted_succeeded=certificate.recounted_succeeded,
            recounted_failed=certificate.recounted_failed,
            recounted_digest=str(certificate.recounted_digest),
            at=moment(certificate.at),
        )


class RetriedShape(BaseModel):
    """How many records run again; 0: none was to be, and the batch is as it was."""

    retried: int
    batch: BatchShape
