"""Many of one call in one request: what a client can be asked for, as operations (client.calls).

Flows and runs are named as the Globus dialect names them, by UUIDs (docs/globus.md). More than a
request may have are sent in several, one after the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

from fanfold.client.asking import Asking, drawn_key
from fanfold.client.bulk_shapes import FlowItem, Item, RoleItem, RunItem
from fanfold.client.calls import Call, Operation

#: items of one request
MOST = 1000
#: seconds that so many may take
_PATIENCE = 240.0

T = TypeVar("T", bound=Item)


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
