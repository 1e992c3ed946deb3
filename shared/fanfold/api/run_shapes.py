"""What the API says of runs."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, Field

from fanfold.api.shapes import moment
from fanfold.domain.money import dollars_of
from fanfold.domain.run import LogEntry
from fanfold.steps.answer import Asked
from fanfold.steps.find_run import RunView, WholeRun


class RunShape(BaseModel):
    """A run, at a glance."""

    run_id: str
    batch_id: str
    #: its record's place in the batch
    index: int
    flow: str
    #: that ran it; empty before
    flow_version: str
    status: str
    #: whether it was started by itself; what is a record of a larger batch is changed with that
    single: bool
    label: str | None
    tags: list[str]
    owner: str
    attempts: int
    #: inside the flow
    seconds: float
    #: dollars, as its flow says with `ctx.spend`
    spent: float
    created_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    #: of one that failed, was canceled or skipped: type and message
    error: dict[str, str] | None

    @classmethod
    def of(cls, view: RunView) -> Self:
        batch = view.batch
        return cls(
            run_id=view.run_id,
            batch_id=batch.id,
            index=view.index,
            flow=batch.flow.shown,
            flow_version=view.flow_version,
            status=str(view.state),
            single=batch.single,
            label=batch.options.label,
            tags=batch.options.tags,
            owner=batch.owner,
            attempts=view.attempts,
            seconds=view.seconds,
            spent=dollars_of(view.spent),
            created_at=moment(batch.created_at),
            started_at=moment(view.started_at),
            ended_at=moment(view.ended_at),
            error=view.error,
        )


class QuestionShape(BaseModel):
    """What a run asks somebody."""

    batch_id: str
    index: int
    run_id: str
    #: what it is answered by, where the run asks several
    name: str
    question: str
    #: JSON schema of the answer; null: anything
    answer_schema: Any
    asked_at: datetime | None
    #: when the run goes on without an answer
    until: datetime | None

    @classmethod
    def of(cls, asked: Asked) -> Self:
        it = asked.question
        return cls(
            batch_id=asked.batch_id,
            index=asked.index,
            run_id=asked.run_id,
            name=asked.name,
            question=it.text,
            answer_schema=it.schema,
            asked_at=moment(it.asked_at),
            until=moment(it.until),
        )


class WholeRunShape(RunShape):
    """A run, with what went in and what came out."""

    key: str | None = None
    input: Any = None
    output: Any = None
    #: of one that failed by raising: where; for whoever may manage it
    traceback: str | None = None
    #: of one that waits: what it asks, and the batches that its items are
    questions: list[QuestionShape] = Field(default_factory=list)
    children: list[str] = Field(default_factory=list)

    @classmethod
    def whole(cls, it: WholeRun) -> Self:
        shape = cls(**RunShape.of(it.view).model_dump())
        shape.key, shape.input, shape.output = it.key, it.input, it.output
        shape.questions = [QuestionShape.of(asked) for asked in it.view.questions]
        shape.children = list(it.view.children)
        return shape


class RunLogShape(BaseModel):
    """A line of a run's log."""

    time: datetime | None
    #: `created`, `started` and what it came to, such as `succeeded`; `node_started` and the like of
    #: the nodes of a run started by itself; or `log`: the flow's own words
    code: str
    level: str
    message: str
    fields: dict[str, Any] | None

    @classmethod
    def of(cls, code: str, entry: LogEntry) -> Self:
        fields = json.loads(entry.fields) if entry.fields else None
        return cls(
            time=moment(entry.time),
            code=code,
            level=entry.level,
            message=entry.message,
            fields=fields,
        )
