"""Batches and the details of runs as JSON text, the same for every engine."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import cache, lru_cache
from typing import Any

from pydantic import TypeAdapter

from fanfold.domain.batch import Batch
from fanfold.domain.outcome import (
    Blame,
    Canceled,
    Failed,
    Failure,
    Outcome,
    Skipped,
    Succeeded,
    Value,
)
from fanfold.domain.registered import Registered
from fanfold.domain.run import LogEntry, Run, RunState


@cache
def _batches() -> TypeAdapter[Batch]:
    return TypeAdapter(Batch)


def batch_to_json(batch: Batch) -> str:
    return _batches().dump_json(batch).decode()


@lru_cache(maxsize=64)
def batch_from_json(text: str | bytes) -> Batch:
    """Kept, for a batch is read far more often than it changes, and nobody changes what is read."""
    return _batches().validate_json(text)


@cache
def _flows() -> TypeAdapter[Registered]:
    return TypeAdapter(Registered)


def registered_to_json(flow: Registered) -> str:
    return _flows().dump_json(flow).decode()


def registered_from_json(text: str | bytes) -> Registered:
    return _flows().validate_json(text)


def detail_of(run: Run) -> str:
    """What of a run is not worth a column: the failure or reason, the log, the flow's version.

    Pure ASCII, so that no text a flow produced can be refused by a store.
    """
    if not run.log and not run.spent and isinstance(run.outcome, Succeeded):
        return _plain_detail(run.flow_version)
    detail: dict[str, Any] = {}
    match run.outcome:
        case Failed(failure):
            detail["failure"] = asdict(failure)
        case Canceled(reason) | Skipped(reason):
            detail["reason"] = reason
        case Succeeded():
            pass
    if run.log:
        detail["log"] = [it.packed() for it in run.log]
    if run.flow_version:
        detail["version"] = run.flow_version
    if run.spent:
        detail["spent"] = run.spent
    return json.dumps(detail, separators=(",", ":")) if detail else ""


@lru_cache(maxsize=64)
def _plain_detail(version: str) -> str:
    """That of nearly every run: a batch's are all the same."""
    return json.dumps({"version": version}, separators=(",", ":")) if version else ""


def outcome_from(state: RunState, value: Value, detail: dict[str, Any]) -> Outcome:
    match state:
        case RunState.SUCCEEDED:
            return Succeeded(value)
        case RunState.FAILED:
            failure = detail["failure"]
            return Failed(Failure(**{**failure, "blame": Blame(failure["blame"])}))
        case RunState.CANCELED:
            return Canceled(detail.get("reason", ""))
        case RunState.SKIPPED:
            return Skipped(detail.get("reason", ""))
        case _:
            raise ValueError(f"a run that is {state} has no outcome")


def log_from(detail: dict[str, Any]) -> tuple[LogEntry, ...]:
    kept = detail.get("log")
    return tuple(LogEntry(*entry) for entry in kept) if kept else ()
