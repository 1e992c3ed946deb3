"""Where everything lies in Firestore, and what its documents hold.

{prefix}batches/{batch}                    doc, state, created_at, generation, paged, …
{prefix}batches/{batch}/pages/{number}     packed records
{prefix}batches/{batch}/slots/{g}-{slot}   counters
{prefix}batches/{batch}/control/window     the frontier, with a concurrency limit
{prefix}runs/{run}                         written once
{prefix}live/{run}                         while a run is leased or waits
"""

from __future__ import annotations

import json
from typing import Any

from fanfold.domain.batch import Batch
from fanfold.domain.codec import batch_from_json, batch_to_json, detail_of, log_from, outcome_from
from fanfold.domain.digest import mix
from fanfold.domain.ids import run_id_of
from fanfold.domain.outcome import Succeeded, Value, printable
from fanfold.domain.run import Live, Run, RunState
from fanfold.engines.google.firestore import Document, Firestore
from fanfold.errors import BatchNotFound, OutcomeRefused
from fanfold.ports import MAX_OUTCOME_BYTES


class Layout:
    """Paths of one deployment: several may share a database by their prefix."""

    def __init__(self, firestore: Firestore, prefix: str) -> None:
        self.firestore = firestore
        self.batches = f"{prefix}batches"
        self.runs = f"{prefix}runs"
        self.live = f"{prefix}live"

    def batch(self, batch_id: str) -> str:
        return self.firestore.path(self.batches, batch_id)

    def page(self, batch_id: str, number: int) -> str:
        return f"{self.batch(batch_id)}/pages/{number}"

    def slot(self, batch: Batch, slot: int) -> str:
        return f"{self.batch(batch.id)}/slots/{batch.generation}-{slot}"

    def window(self, batch_id: str) -> str:
        return f"{self.batch(batch_id)}/control/window"

    def run(self, batch_id: str, index: int) -> str:
        return self.firestore.path(self.runs, run_id_of(batch_id, index))

    def life(self, batch_id: str, index: int) -> str:
        return self.firestore.path(self.live, run_id_of(batch_id, index))


def batch_fields(batch: Batch) -> dict[str, Any]:
    return {
        "doc": batch_to_json(batch),
        "state": str(batch.state),
        "created_at": batch.created_at,
    }


def batch_of(document: Document | None, batch_id: str) -> Batch:
    if document is None:
        raise BatchNotFound(
            f"there is no batch {batch_id} here. `fanfold list` lists the batches there are."
        )
    return batch_from_json(document.fields["doc"])


def run_fields(run: Run) -> dict[str, Any]:
    value = run.outcome.output if isinstance(run.outcome, Succeeded) else Value()
    detail = detail_of(run)
    if len(detail) + len(value.text or "") > MAX_OUTCOME_BYTES:
        raise OutcomeRefused(
            f"the outcome of record {run.index} takes more than {MAX_OUTCOME_BYTES} bytes"
        )
    return {
        "batch": run.batch_id,
        "index": run.index,
        "generation": run.generation,
        "status": str(run.state),
        # what a recount adds up
        "digest": mix(run.index),
        "key": None if run.key is None else printable(run.key),
        "output": value.text,
        "blob": value.blob,
        "attempts": run.attempts,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "seconds": run.seconds,
        "detail": detail,
    }


def run_of(document: Document) -> Run:
    it = document.fields
    detail = json.loads(it["detail"]) if it["detail"] else {}
    return Run(
        batch_id=it["batch"],
        index=it["index"],
        generation=it["generation"],
        key=it["key"],
        outcome=outcome_from(RunState(it["status"]), Value(it["output"], it["blob"]), detail),
        attempts=it["attempts"],
        started_at=it["started_at"],
        ended_at=it["ended_at"],
        seconds=it["seconds"],
        log=log_from(detail),
        flow_version=detail.get("version", ""),
    )


def live_fields(live: Live) -> dict[str, Any]:
    return {
        "batch": live.batch_id,
        "index": live.index,
        "generation": live.generation,
        "state": str(live.state),
        "until": float(live.until),
        "owner": live.owner,
        "attempts": live.attempts,
        "rate_limited": live.rate_limited,
        "started_at": float(live.started_at),
        "seconds": float(live.seconds),
    }


def live_of(document: Document) -> Live:
    it = document.fields
    return Live(
        batch_id=it["batch"],
        index=it["index"],
        generation=it["generation"],
        state=RunState(it["state"]),
        until=it["until"],
        owner=it["owner"],
        attempts=it["attempts"],
        rate_limited=it["rate_limited"],
        started_at=it["started_at"],
        seconds=it["seconds"],
    )
