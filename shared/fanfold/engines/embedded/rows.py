"""Runs and live documents as rows."""

from __future__ import annotations

import json
import sqlite3
from functools import lru_cache
from typing import Any

from fanfold.domain.codec import detail_of, log_from, outcome_from
from fanfold.domain.outcome import Succeeded, Value, printable
from fanfold.domain.run import Live, Run, RunState
from fanfold.domain.settling import Settled
from fanfold.engines.embedded.places import INDEX_MASK, index_of, place_of
from fanfold.errors import OutcomeRefused
from fanfold.ports import MAX_OUTCOME_BYTES

RUN_COLUMNS = (
    "place, generation, status, key, output, blob, attempts, started_at, ended_at, seconds, detail"
)
#: the last one only where there is more to say than the output
SETTLED_COLUMNS = (
    "place, key, status, output, "
    "CASE WHEN status = 'succeeded' AND blob IS NULL THEN NULL ELSE detail END, blob"
)
LIVE_COLUMNS = (
    "place, generation, state, until, owner, attempts, rate_limited, started_at, seconds, spent, "
    "memo"
)
#: details that are kept parsed
_SHORT = 100
_STATES = {str(state): state for state in RunState}


def row_of(run: Run) -> tuple[object, ...]:
    value = run.outcome.output if isinstance(run.outcome, Succeeded) else Value()
    detail = detail_of(run)
    if len(detail) + len(value.text or "") > MAX_OUTCOME_BYTES:
        raise OutcomeRefused(
            f"the outcome of record {run.index} takes more than {MAX_OUTCOME_BYTES} bytes"
        )
    return (
        run.generation,
        run.state,
        None if run.key is None else printable(run.key),
        value.text,
        value.blob,
        run.attempts,
        run.started_at,
        run.ended_at,
        run.seconds,
        detail,
    )


def run_from(batch_id: str, row: tuple[Any, ...]) -> Run:
    place, generation, status, key, output, blob, attempts, started, ended, seconds, text = row
    detail = _short(text) if len(text) < _SHORT else json.loads(text)
    return Run(
        batch_id,
        place & INDEX_MASK,
        generation,
        key,
        outcome_from(_STATES[status], Value(output, blob), detail),
        attempts,
        started,
        ended,
        seconds,
        log_from(detail),
        detail.get("version", ""),
        detail.get("spent", 0),
    )


def settled_from(row: tuple[Any, ...]) -> Settled:
    place, key, status, output, detail, blob = row
    state = _STATES[status]
    if detail is None:
        return Settled(place & INDEX_MASK, key, state, output)
    more = json.loads(detail) if detail else {}
    outcome = outcome_from(state, Value(output, blob), more)
    return Settled(place & INDEX_MASK, key, state, None, outcome)


@lru_cache(maxsize=256)
def _short(text: str) -> dict[str, Any]:
    """Of a batch's runs nearly all say the same there. Not to be changed."""
    return dict(json.loads(text)) if text else {}


def live_from(batch_id: str, row: tuple[Any, ...]) -> Live:
    place, generation, state, *rest = row
    return Live(batch_id, index_of(place), generation, RunState(str(state)), *rest)


def live_at(db: sqlite3.Connection, batch_id: str, place: int) -> Live | None:
    row = db.execute(f"SELECT {LIVE_COLUMNS} FROM lives WHERE place = ?", (place,)).fetchone()
    return None if row is None else live_from(batch_id, row)


def write_live(db: sqlite3.Connection, number: int, live: Live) -> None:
    db.execute(
        f"INSERT OR REPLACE INTO lives ({LIVE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            place_of(number, live.index),
            live.generation,
            live.state,
            live.until,
            live.owner,
            live.attempts,
            live.rate_limited,
            live.started_at,
            live.seconds,
            live.spent,
            live.memo,
        ),
    )
