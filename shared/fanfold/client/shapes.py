"""What the API answers with, as values. A field that a newer server adds is no error."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fanfold.client.errors import ClientError

ENDED_BATCH = frozenset({"completed", "failed", "canceled", "expired", "skipped"})
ENDED_RUN = frozenset({"succeeded", "failed", "canceled", "skipped"})
_WHOSE = "Is this the address of a Fanfold API?"


class Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    @classmethod
    def read(cls, data: Any) -> Self:
        """Raises ClientError for what is another thing."""
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise cls._is_none(error) from None

    @classmethod
    def read_line(cls, line: str) -> Self:
        """Of JSON. Raises ClientError likewise."""
        try:
            return cls.model_validate_json(line)
        except ValidationError as error:
            raise cls._is_none(error) from None

    @classmethod
    def read_list(cls, data: Any) -> list[Self]:
        """Raises ClientError likewise."""
        if not isinstance(data, list):
            raise ClientError(f"the answer is no list of {cls.__name__}. {_WHOSE}")
        return [cls.read(it) for it in data]

    @classmethod
    def _is_none(cls, error: ValidationError) -> ClientError:
        """Tells where, and nothing of what came instead: it may be anybody's page."""
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "it"
        what = "is no JSON" if first["type"] == "json_invalid" else f"does not fit: {first['type']}"
        return ClientError(f"the answer is no {cls.__name__}: {where} {what}. {_WHOSE}")


class Counts(Shape):
    """They add up: the total is the sum of the others."""

    total: int
    queued: int
    running: int
    waiting: int
    succeeded: int
    failed: int
    canceled: int
    skipped: int

    @property
    def settled(self) -> int:
        return self.succeeded + self.failed + self.canceled + self.skipped


class ErrorGroup(Shape):
    """Failures that are the same but for their varying parts."""

    fingerprint: str
    count: int
    type: str
    pattern: str
    example: str
    example_index: int


class Cost(Shape):
    """In dollars."""

    spent: float = 0.0
    max_spend: float | None = None
    services: float | None = None


class Awaited(Shape):
    """A batch that another one waits for."""

    batch_id: str
    status: str


class Batch(Shape):
    batch_id: str
    flow: str
    status: str
    generation: int
    #: whether the total is known, or may still grow
    sealed: bool
    counts: Counts
    #: from 0 to 1
    progress: float
    #: records a second, and seconds to go at that
    rate: float | None = None
    eta: float | None = None
    label: str | None = None
    tags: list[str] = Field(default_factory=list)
    owner: str = ""
    source: str = ""
    #: of the items of a run's node: the run that waits for them
    parent_run: str | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    #: why it is or ended as it is, where that needs saying
    error: str | None = None
    #: whether its canary has it paused
    held: bool = False
    #: those that have to end before it begins
    waits_for: list[Awaited] = Field(default_factory=list)
    cost: Cost = Field(default_factory=Cost)
    errors: list[ErrorGroup] = Field(default_factory=list)

    @property
    def ended(self) -> bool:
        return self.status in ENDED_BATCH

    @property
    def ok(self) -> bool:
        """Whether it completed, and every record succeeded."""
        return self.status == "completed" and self.counts.succeeded == self.counts.total


class Retried(Shape):
    #: how many records run again
    retried: int
    batch: Batch


class Question(Shape):
    """What a run asks somebody."""

    batch_id: str
    index: int
    run_id: str
    #: what it is answered by, where the run asks several
    name: str
    question: str
    #: JSON schema of the answer; None: anything
    answer_schema: Any = None
    asked_at: datetime | None = None
    #: when the run goes on without an answer
    until: datetime | None = None


class Run(Shape):
    run_id: str
    batch_id: str
    index: int
    flow: str
    flow_version: str = ""
    status: str
    #: whether it was started by itself
    single: bool
    label: str | None = None
    tags: list[str] = Field(default_factory=list)
    owner: str = ""
    attempts: int = 0
    seconds: float = 0.0
    #: dollars
    spent: float = 0.0
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    #: type and message
    error: dict[str, str] | None = None
    #: of a run that was asked for by itself; lists leave these out
    key: str | None = None
    input: Any = None
    output: Any = None
    #: likewise, of one that failed by raising: where
    traceback: str | None = None
    #: likewise, of one that waits: what it asks, and the batches that its items are
    questions: list[Question] = Field(default_factory=list)
    children: list[str] = Field(default_factory=list)

    @property
    def ended(self) -> bool:
        return self.status in ENDED_RUN

    @property
    def ok(self) -> bool:
        return self.status == "succeeded"


class RunLogEntry(Shape):
    time: datetime
    code: str
    level: str
    message: str
    fields: dict[str, Any] | None = None


class LogEntry(Shape):
    time: datetime
    level: str
    message: str
    fields: str = ""


class Job(Shape):
    """A record of a batch, and what came of it; by itself with its output and its log."""

    record_id: str
    index: int
    key: str | None = None
    status: str
    error: dict[str, str] | None = None
    output: Any = None
    attempts: int = 0
    seconds: float = 0.0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    flow_version: str = ""
    log: list[LogEntry] = Field(default_factory=list)
    #: of one that failed by raising: where
    traceback: str | None = None


class Result(Shape):
    """A line of a batch's results."""

    index: int
    key: str | None = None
    status: str
    output: Any = None
    error: dict[str, str] | None = None
    #: of a batch with a parameter grid
    parameters: dict[str, Any] | None = None

    @property
    def ok(self) -> bool:
        return self.status == "succeeded"


class Certificate(Shape):
    """The proof that a batch's counts are right, derived anew from its runs' documents."""

    holds: bool
    whole: bool
    total: int
    succeeded: int
    failed: int
    canceled: int
    skipped: int
    digest: str
    expected_digest: str
    at: datetime | None = None


class Event(Shape):
    batch_id: str
    sequence: int
    kind: str
    at: float
    generation: int
    flow: str
    label: str | None = None
    counts: Counts | None = None
    detail: dict[str, Any] = Field(default_factory=dict)


class Flow(Shape):
    name: str
    #: by which calls in bulk know it
    flow_id: str = ""
    title: str = ""
    description: str = ""
    version: str = ""
    has_source: bool = False
    has_fold: bool = False
    retries: int = 0
    timeout: float | None = None
    roles: list[str] = Field(default_factory=list)
    #: of one that was asked for by its name: nodes and edges, also as Mermaid, and what its actions
    #: need
    graph: dict[str, Any] | None = None
    mermaid: str | None = None
    needs: Needs | None = None


class Action(Shape):
    """A function that calls a service, for the nodes of any graph."""

    id: str
    title: str = ""
    description: str = ""
    provider: str
    scopes: list[str] = Field(default_factory=list)
    roles: list[str] = Field(default_factory=list)
    input_schema: dict[str, Any] | None = None
    output_schema: dict[str, Any] | None = None


class Provider(Shape):
    """A service, the scopes that are needed there, and the ids of the actions that call it."""

    provider: str
    scopes: list[str] = Field(default_factory=list)
    actions: list[str] = Field(default_factory=list)


class NeededRole(Shape):
    """An IAM role, and the ids of the actions that need it."""

    role: str
    actions: list[str] = Field(default_factory=list)


class Needs(Shape):
    """What is needed by the actions of a flow."""

    actions: list[str] = Field(default_factory=list)
    providers: list[Provider] = Field(default_factory=list)
    roles: list[NeededRole] = Field(default_factory=list)
