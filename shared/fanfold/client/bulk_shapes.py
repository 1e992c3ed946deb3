"""What came of many calls in one request, as values."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from fanfold.client.shapes import Shape


class ItemError(Shape):
    """Why one of many was not done."""

    #: NOT_FOUND, FORBIDDEN, FLOW_INPUT_ERROR, STATE_CONFLICT, UNPROCESSABLE_ENTITY, …
    code: str
    description: str


class Item(Shape):
    """What came of one of many: it, or an error."""

    #: its place in what was asked for
    index: int
    error: ItemError | None = None

    @property
    def ok(self) -> bool:
        return self.error is None

    @property
    def error_code(self) -> str | None:
        return None if self.error is None else self.error.code


class FlowRun(Shape):
    """A run, as the Globus dialect tells of it."""

    run_id: str
    flow_id: str
    flow_title: str
    #: ACTIVE, INACTIVE, SUCCEEDED, FAILED or CANCELED
    status: str
    display_status: str
    label: str | None = None
    tags: list[str] = Field(default_factory=list)
    input: Any = None
    output: Any = None
    run_error: ItemError | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    #: whether the same request had started it already
    repeated: bool = False

    @property
    def ended(self) -> bool:
        return self.status in ("SUCCEEDED", "FAILED", "CANCELED")


class RunItem(Item):
    run_id: str | None = None
    run: FlowRun | None = None


class FlowItem(Item):
    flow_id: str
    #: as GET /v1/flows/ID has it
    flow: dict[str, Any] | None = None


class RoleItem(Item):
    role_id: str
    role: dict[str, Any] | None = None
