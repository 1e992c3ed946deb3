"""Where everything lies in Firestore, and what its documents hold.

{prefix}batches/{batch}                    doc, state, created_at, generation, paged, …
{prefix}batches/{batch}/pages/{number}     packed records
{prefix}batches/{batch}/slots/{g}-{slot}   counters
{prefix}batches/{batch}/control/window     the frontier, with a concurrency limit
{prefix}batches/{batch}/control/rate       the last turn given away, with a rate
{prefix}runs/{run}                         written once: batch, status, digest, output, about, …
{prefix}live/{run}                         while a run is leased or waits
{prefix}letters/{letter}                   dead letters: at, batch, body, reason, …
{prefix}flows/{flow}                       flows that were registered as data: doc
"""

from __future__ import annotations

import json
from typing import Any

from pydantic_core import from_json

from fanfold.domain.batch import Batch
from fanfold.domain.codec import batch_from_json, batch_to_json, detail_of, log_from, outcome_from
from fanfold.domain.digest import mix
from fanfold.domain.following import awaited
from fanfold.domain.ids import run_id_of
from fanfold.domain.outcome import Succeeded, Value
from fanfold.domain.run import Live, Run, RunState
from fanfold.domain.settling import Settled
from fanfold.engines.google.firestore import Document, Firestore
from fanfold.engines.google.values import RawWrite
from fanfold.errors import BatchNotFound, OutcomeRefused
from fanfold.ports import MAX_OUTCOME_BYTES


class Layout:
    """Paths of one deployment: several may share a database by their prefix."""

    def __init__(self, firestore: Firestore, prefix: str) -> None:
        self.firestore = firestore
        self.batches = f"{prefix}batches"
        self.runs = f"{prefix}runs"
        self.live = f"{prefix}live"
        self.letters = f"{prefix}letters"
        self.flows = f"{prefix}flows"

    def batch(self, batch_id: str) -> str:
        return self.firestore.path(self.batches, batch_id)

    def page(self, batch_id: str, number: int) -> str:
        return f"{self.batch(batch_id)}/pages/{number}"

    def slot(self, batch: Batch, slot: int) -> str:
        return f"{self.batch(batch.id)}/slots/{batch.generation}-{slot}"

    def window(self, batch_id: str) -> str:
        return f"{self.batch(batch_id)}/control/window"

    def rate(self, batch_id: str) -> str:
        return f"{self.batch(batch_id)}/control/rate"

    def run(self, batch_id: str, index: int) -> str:
        return self.firestore.path(self.runs, run_id_of(batch_id, index))

    def letter(self, letter_id: str) -> str:
        return self.firestore.path(self.letters, letter_id)

    def flow(self, flow_id: str) -> str:
        return self.firestore.path(self.flows, flow_id)

    def life(self, batch_id: str, index: int) -> str:
        return self.firestore.path(self.live, run_id_of(batch_id, index))


def batch_fields(batch: Batch) -> dict[str, Any]:
    return {
        "doc": batch_to_json(batch),
        "state": str(batch.state),
        "created_at": batch.created_at,
        "kind": str(batch.kind),
        "parent": None if batch.parent is None else batch.parent.batch_id,
        "awaited": awaited(batch),
    }


def existing(document: Document | None, batch_id: str) -> Document:
    """Raises BatchNotFound."""
    if document is None:
        raise BatchNotFound(
            f"there is no batch {batch_id} here. `fanfold list` lists the batches there are."
        )
    return document


def batch_of(document: Document | None, batch_id: str) -> Batch:
    """Raises BatchNotFound."""
    return batch_from_json(existing(document, batch_id).fields["doc"])


def run_write(path: str, run: Run) -> Any:
    """The write that creates a settled run's document. Raises OutcomeRefused.

    There is one for each record, so the fields are few, and set by hand: what is never asked for by
    itself lies together as one text, which costs less to write, to keep and to read.
    """
    value = run.outcome.output if isinstance(run.outcome, Succeeded) else Value()
    text = value.text
    detail = detail_of(run)
    if len(detail) + len(text or "") > MAX_OUTCOME_BYTES:
        raise OutcomeRefused(
            f"the outcome of record {run.index} takes more than {MAX_OUTCOME_BYTES} bytes"
        )
    write = RawWrite()
    write.current_document.exists = False
    document = write.update
    document.name = path
    fields = document.fields
    fields["batch"].string_value = run.batch_id
    fields["status"].string_value = run.state
    # what a recount adds up
    fields["digest"].integer_value = mix(run.index)
    fields["seconds"].double_value = run.seconds
    key = "" if run.key is None else f'"key":{json.dumps(run.key)},'
    rest = f",{detail[1:]}" if detail else "}"
    fields["about"].string_value = (
        f'{{"index":{run.index},{key}"generation":{run.generation},"attempts":{run.attempts},'
        f'"started_at":{run.started_at!r},"ended_at":{run.ended_at!r}{rest}'
    )
    if text is not None:
        fields["output"].string_value = text
    if value.blob is not None:
        fields["blob"].string_value = value.blob
    return write


def run_of(document: Document) -> Run:
    it = document.fields
    about: dict[str, Any] = json.loads(it["about"])
    return Run(
        batch_id=it["batch"],
        index=about["index"],
        generation=about["generation"],
        key=about.get("key"),
        outcome=outcome_from(
            RunState(it["status"]), Value(it.get("output"), it.get("blob")), about
        ),
        attempts=about["attempts"],
        started_at=about["started_at"],
        ended_at=about["ended_at"],
        seconds=it["seconds"],
        log=log_from(about),
        flow_version=about.get("version", ""),
        spent=about.get("spent", 0),
    )


def generation_of(document: Document) -> int:
    """Of a run's document that has this field."""
    return int(json.loads(document.fields["about"])["generation"])


#: of a run's document, all that a fold reads
SETTLED_FIELDS = ("status", "about", "output", "blob")


def settled_of(raw: Any) -> Settled:
    """Of a raw document that has these fields."""
    fields = raw.fields
    about = from_json(fields["about"].string_value)
    index, key = about["index"], about.get("key")
    state = RunState(fields["status"].string_value)
    text = fields["output"].string_value if "output" in fields else None
    if state is RunState.SUCCEEDED and text is not None:
        return Settled(index, key, state, text)
    blob = fields["blob"].string_value if "blob" in fields else None
    return Settled(index, key, state, None, outcome_from(state, Value(text, blob), about))


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
        "spent": live.spent,
        "memo": live.memo,
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
        spent=it["spent"],
        memo=it["memo"],
    )
