"""Many of one call in one request: what a client can be asked for, as operations (client.calls).

Flows and runs are named as the Globus dialect names them, by UUIDs (docs/globus.md). More than a
request may have are sent in several, one after the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import Field

from fanfold.client.asking import Asking, drawn_key
from fanfold.client.calls import Call, Operation
from fanfold.client.shapes import Shape

#: items of one request
MOST = 1000
#: seconds that so many may take
_PATIENCE = 240.0

T = TypeVar("T", bound="Item")


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


class BulkOperations(Asking):
    __slots__ = ()

    def batch_run_flows(
        self,
        runs: Iterable[Mapping[str, Any]],
        *,
        concurrency: int = 10,
        request_id: str | None = None,
    ) -> Operation[list[RunItem]]:
        """Start them: each is a flow_id, an input, and what else may be said of a run, such as
        label, tags, run_managers, run_monitors. Repeated under the same request_id each of them is
        started once."""
        key = request_id or drawn_key()
        its = [dict(it) for it in runs]
        return (yield from self._all("/v1/runs/batch", "runs", its, concurrency, RunItem, key))

    def batch_get_runs(
        self, run_ids: Iterable[str], *, concurrency: int = 10
    ) -> Operation[list[RunItem]]:
        """How they are now."""
        ids = list(run_ids)
        return (yield from self._all("/v1/runs/batch_get", "run_ids", ids, concurrency, RunItem))

    def batch_cancel_runs(
        self, run_ids: Iterable[str], *, concurrency: int = 10
    ) -> Operation[list[RunItem]]:
        """Canceling what is canceled changes nothing."""
        ids = list(run_ids)
        return (yield from self._all("/v1/runs/batch_cancel", "run_ids", ids, concurrency, RunItem))

    def batch_get_flows(
        self, flow_ids: Iterable[str], *, concurrency: int = 10
    ) -> Operation[list[FlowItem]]:
        """What they are."""
        ids = list(flow_ids)
        return (yield from self._all("/v1/flows/batch_get", "flow_ids", ids, concurrency, FlowItem))

    def batch_get_action_roles(
        self, provider_id: str, role_ids: Iterable[str], *, concurrency: int = 10
    ) -> Operation[list[RoleItem]]:
        """Roles that the provider's actions need."""
        path = f"/v1/action_providers/{quote(provider_id, safe='')}/roles/batch_get"
        return (yield from self._all(path, "role_ids", list(role_ids), concurrency, RoleItem))

    def _all(
        self,
        path: str,
        name: str,
        its: list[Any],
        concurrency: int,
        shape: type[T],
        key: str | None = None,
    ) -> Operation[list[T]]:
        found: list[T] = []
        for start in range(0, len(its), MOST):
            headers = {} if key is None else {"Idempotency-Key": f"{key}-{start}"}
            body = {name: its[start : start + MOST], "concurrency": concurrency}
            call = Call(verb="POST", path=path, json=body, headers=headers, patience=_PATIENCE)
            answer = (yield from self.patience.ask(call)).json
            page = shape.read_list(answer.get("results") if isinstance(answer, dict) else None)
            found += [it.model_copy(update={"index": it.index + start}) for it in page]
        return found
