"""The log of a run, in this dialect's codes."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from fanfold.api.globus.documents import Document, Listed
from fanfold.api.globus.paging import Asked, page_of
from fanfold.api.shapes import moment
from fanfold.domain.run import LogEntry, NodeEvent
from fanfold.graphs.made import ACTION
from fanfold.steps.find_run import WholeRun, log_of

_CODES = {
    "created": ("FlowStarting", "The Flow Instance was asked for"),
    "started": ("FlowStarted", "The Flow Instance started execution"),
    "succeeded": ("FlowSucceeded", "The Flow Instance completed successfully"),
    "failed": ("FlowFailed", "The Flow Instance failed"),
    "canceled": ("FlowCanceled", "The Flow Instance was canceled"),
    "skipped": ("FlowSkipped", "The Flow Instance was skipped"),
}
#: of a node: Action, or Pass for one that hands on what it gets
_ENDINGS = {
    NodeEvent.STARTED: "Started",
    NodeEvent.WAITS: "Waits",
    NodeEvent.SUCCEEDED: "Completed",
    NodeEvent.FAILED: "Failed",
}


class LogDocument(Document):
    time: datetime | None
    created_at: datetime | None
    run_id: str
    #: `FlowLog`: the flow's own words
    code: str
    description: str
    details: dict[str, Any]


class LogList(Listed):
    entries: list[LogDocument]
    log_entries: list[LogDocument]


def log_page(whole: WholeRun, asked: Asked, *, latest_first: bool) -> LogList:
    entries = list(log_of(whole))
    page, about = page_of(entries[::-1] if latest_first else entries, asked)
    shown = [_shown(whole, code, entry) for code, entry in page]
    return LogList(entries=shown, log_entries=shown, **about)


def _shown(whole: WholeRun, code: str, entry: LogEntry) -> LogDocument:
    told, description = _CODES.get(code, ("FlowLog", entry.message))
    fields = json.loads(entry.fields) if entry.fields else {}
    if entry.code:
        told = f"{'Pass' if fields.pop('is_pass', False) else 'Action'}{_ENDINGS[NodeEvent(code)]}"
    at = moment(entry.time)
    return LogDocument(
        time=at,
        created_at=at,
        run_id=whole.view.run_id,
        code=told,
        description=description,
        details=_details(whole, code, entry, fields),
    )


def _details(whole: WholeRun, code: str, entry: LogEntry, fields: dict[str, Any]) -> dict[str, Any]:
    if entry.code:
        node, action = fields.pop("node", ""), fields.pop("action", None)
        url = {} if action is None else {"action_url": f"{ACTION}{action}"}
        return {"state_name": node, **url, **fields}
    match code:
        case "created" | "started":
            return {"input": whole.input}
        case "succeeded":
            return {"output": whole.output}
        case "log":
            return {"level": entry.level, "fields": fields}
        case _:
            return {"reason": entry.message, "error": whole.view.error}
