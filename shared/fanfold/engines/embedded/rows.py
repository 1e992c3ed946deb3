"""Runs and live documents as rows."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from fanfold.domain.codec import detail_of, log_from, outcome_from
from fanfold.domain.outcome import Succeeded, Value, printable
from fanfold.domain.run import Live, Run, RunState
from fanfold.engines.embedded.places import index_of, place_of
from fanfold.errors import OutcomeRefused
from fanfold.ports import MAX_OUTCOME_BYTES

RUN_COLUMNS = (
    "place, generation, status, key, output, blob, attempts, started_at, ended_at, seconds, detail"
)
LIVE_COLUMNS = "place, generation, state, until, owner, attempts, rate_limited, started_at, seconds"


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
    detail = json.loads(str(text)) if text else {}
    return Run(
        batch_id=batch_id,
        index=index_of(place),
        generation=generation,
        key=key,
        outcome=outcome_from(RunState(str(status)), Value(output, blob), detail),
        attempts=attempts,
        started_at=started,
        ended_at=ended,
        seconds=seconds,
        log=log_from(detail),
        flow_version=detail.get("version", ""),
    )


def live_from(batch_id: str, row: tuple[Any, ...]) -> Live:
    place, generation, state, until, owner, attempts, rate_limited, started_at, seconds = row
    return Live(
        batch_id,
        index_of(place),
        generation,
        RunState(str(state)),
        until,
        owner,
        attempts,
        rate_limited,
        started_at,
        seconds,
    )


def live_at(db: sqlite3.Connection, batch_id: str, place: int) -> Live | None:
    row = db.execute(f"SELECT {LIVE_COLUMNS} FROM lives WHERE place = ?", (place,)).fetchone()
    return None if row is None else live_from(batch_id, row)


def write_live(db: sqlite3.Connection, number: int, live: Live) -> None:
    db.execute(
        f"INSERT OR REPLACE INTO lives ({LIVE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
        ),
    )
