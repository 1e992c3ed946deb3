"""Runs, as this dialect's clients read them.

| here             | status    | details.code                                               |
|------------------|-----------|------------------------------------------------------------|
| queued           | ACTIVE    | FlowStarting                                               |
| running          | ACTIVE    | FlowActive                                                 |
| told to stop     | as before | FlowCanceling                                              |
| waiting, paused  | INACTIVE  | FlowInactive: the description says what it waits for       |
| succeeded        | SUCCEEDED | FlowSucceeded                                              |
| failed           | FAILED    | FlowFailed                                                 |
| canceled         | CANCELED  | FlowCanceled                                               |
| skipped          | FAILED    | FlowSkipped: it never ran, for its deadline, or what it    |
|                  |           | comes after                                                |
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fanfold.api.asking import Asker
from fanfold.api.globus.documents import Document, Listed, as_object
from fanfold.api.globus.flow_documents import FlowDescription, described, times_of
from fanfold.api.globus.people import owner_urn, parted, urns_of
from fanfold.api.globus.roles import run_roles
from fanfold.api.shapes import moment
from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.registered import flow_id_of
from fanfold.domain.run import RunState
from fanfold.errors import FlowNotFound
from fanfold.steps.find_run import RunView, WholeRun
from fanfold.steps.known_flows import Known, flow_of_id

_CODES = {
    RunState.QUEUED: ("ACTIVE", "FlowStarting", "The run waits for its turn"),
    RunState.RUNNING: ("ACTIVE", "FlowActive", "The run is being executed"),
    RunState.WAITING: ("INACTIVE", "FlowInactive", "The run waits"),
    RunState.SUCCEEDED: ("SUCCEEDED", "FlowSucceeded", "The run has succeeded"),
    RunState.FAILED: ("FAILED", "FlowFailed", "The run has failed"),
    RunState.CANCELED: ("CANCELED", "FlowCanceled", "The run was canceled"),
    RunState.SKIPPED: ("FAILED", "FlowSkipped", "The run was skipped"),
}
STATUSES = ("ACTIVE", "INACTIVE", "SUCCEEDED", "FAILED", "CANCELED")


class RunDocument(Document):
    """A run, in the words of both clients."""

    run_id: str
    action_id: str
    flow_id: str
    flow_title: str
    flow_last_updated: datetime | None
    status: str
    display_status: str
    #: code, description; and input of one that has not ended, output of one that has succeeded
    details: dict[str, Any]
    #: when it was asked for
    start_time: datetime | None
    completion_time: datetime | None
    label: str | None
    tags: list[str]
    run_owner: str | None
    run_managers: list[str]
    run_monitors: list[str]
    created_by: str | None
    manage_by: list[str]
    monitor_by: list[str]
    user_role: str | None
    search: dict[str, str]
    user_id: str | None
    created_at: datetime | None
    #: when its first attempt began
    started_at: datetime | None
    completed_at: datetime | None
    end_time: datetime | None
    #: what went in and what came out; what is no object stands in one, as its `value`
    input: dict[str, Any] | None
    output: dict[str, Any] | None
    run_error: dict[str, str] | None
    created_by_string: str
    run_owner_string: str
    managing_by: list[str]
    managing_groups: list[str]
    monitoring_by: list[str]
    monitoring_groups: list[str]
    #: whether the same request had started it already
    repeated: bool = False


class RunWithFlow(RunDocument):
    flow_description: FlowDescription


class RunList(Listed):
    runs: list[RunDocument]


def status_of(view: RunView) -> str:
    return "INACTIVE" if is_paused(view) else _CODES[view.state][0]


def is_paused(view: RunView) -> bool:
    return view.state is RunState.QUEUED and view.batch.state is BatchState.PAUSED


@dataclass(slots=True)
class Facts:
    """What is told of the flows of runs, each looked up once."""

    asker: Asker
    #: None: it is gone
    _known: dict[str, Known | None] = field(default_factory=dict)

    def updated_at(self, batch: Batch) -> float | None:
        known = self._of(batch)
        return None if known is None else times_of(known)[1]

    def description(self, batch: Batch) -> dict[str, Any]:
        """Of one that is gone, what its runs still know."""
        known = self._of(batch)
        if known is not None:
            return described(known)
        return _description_of_gone(flow_id_of(batch.flow.name), batch.flow.heading)

    def _of(self, batch: Batch) -> Known | None:
        name = batch.flow.name
        if name not in self._known:
            fanfold = self.asker.fanfold
            try:
                self._known[name] = flow_of_id(fanfold.ports, fanfold.library, flow_id_of(name))
            except FlowNotFound:
                self._known[name] = None
        return self._known[name]


def _description_of_gone(flow_id: str, title: str) -> dict[str, Any]:
    gone: dict[str, Any] = dict.fromkeys(FlowDescription.model_fields)
    words = dict.fromkeys(("subtitle", "description", "globus_auth_scope"), "")
    return {**gone, **words, "id": flow_id, "title": title, "keywords": []}


def run_document(facts: Facts, whole: WholeRun, *, repeated: bool = False) -> dict[str, Any]:
    """The fields of a RunDocument."""
    view = whole.view
    batch, options = view.batch, view.batch.options
    managing, managing_groups = parted(options.managers)
    monitoring, monitoring_groups = parted(options.monitors)
    managers, monitors = urns_of(options.managers), urns_of(options.monitors)
    principal, desk = facts.asker.principal, facts.asker.desk
    roles = run_roles(principal, batch, desk.access_of(batch.flow.name))
    owner, ended_at = owner_urn(batch.owner), moment(view.ended_at if view.ended else None)
    return {
        "run_id": view.run_id,
        "action_id": view.run_id,
        "flow_id": flow_id_of(batch.flow.name),
        "flow_title": batch.flow.heading,
        "flow_last_updated": moment(facts.updated_at(batch)),
        "status": status_of(view),
        "display_status": _display_status(view),
        "details": _details(whole),
        "start_time": moment(batch.created_at),
        "completion_time": ended_at,
        "label": options.label,
        "tags": options.tags,
        "run_owner": owner,
        "run_managers": managers,
        "run_monitors": monitors,
        "created_by": owner,
        "manage_by": managers,
        "monitor_by": monitors,
        "user_role": roles[0] if roles else None,
        "search": {"task_id": view.run_id},
        "user_id": owner,
        "created_at": moment(batch.created_at),
        "started_at": moment(view.started_at),
        "completed_at": ended_at,
        "end_time": ended_at,
        "input": as_object(whole.input),
        "output": as_object(whole.output),
        "run_error": _error(view),
        "created_by_string": batch.owner,
        "run_owner_string": batch.owner,
        "managing_by": managing,
        "managing_groups": managing_groups,
        "monitoring_by": monitoring,
        "monitoring_groups": monitoring_groups,
        "repeated": repeated,
    }


def _display_status(view: RunView) -> str:
    if is_paused(view):
        return "PAUSED"
    return "CANCELING" if _is_canceling(view) else str(view.state).upper()


def _is_canceling(view: RunView) -> bool:
    """It is told to stop; what it has done by then may still be its end."""
    return not view.ended and view.batch.state is BatchState.CANCELING


def _error(view: RunView) -> dict[str, str] | None:
    if view.error is None:
        return None
    return {
        "code": view.error.get("type", ""),
        "description": view.error.get("message", ""),
    }


def _details(whole: WholeRun) -> dict[str, Any]:
    view = whole.view
    status, code, description = _CODES[view.state]
    if is_paused(view):
        status, code, description = "INACTIVE", "FlowInactive", "The run is paused"
    if _is_canceling(view):
        code, description = "FlowCanceling", "The run is being canceled"
    details: dict[str, Any] = {"code": code, "description": description}
    if view.state is RunState.SUCCEEDED:
        details["output"] = whole.output
    elif status in ("ACTIVE", "INACTIVE"):
        details["input"] = whole.input
    inner: dict[str, Any] = {}
    if view.error is not None:
        inner["error"] = _error(view)
        told = view.error.get("message")
        details["description"] = f"{description}: {told}" if told else description
    if view.questions:
        asked = "; ".join(it.question.text for it in view.questions)
        details["description"] = f"The run waits for an answer: {asked}"
    elif view.children:
        details["description"] = "The run waits for the items that it is scattered over"
    if "input" in details:
        inner["input"] = whole.input
    details["details"] = inner
    at = moment((view.ended_at if view.ended else view.started_at) or view.batch.created_at)
    return {**details, "time": at and at.isoformat()}
