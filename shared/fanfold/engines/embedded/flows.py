"""Registered flows, in a table."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from fanfold.domain.codec import registered_from_json, registered_to_json
from fanfold.domain.registered import Registered
from fanfold.engines.embedded.database import Database
from fanfold.errors import FlowNotFound


class EmbeddedFlows:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, flow: Registered) -> Registered:
        with self._database.write() as db:
            db.execute(
                "INSERT OR IGNORE INTO flows (id, doc) VALUES (?, ?)",
                (flow.id, registered_to_json(flow)),
            )
            return _read(db, flow.id)

    def get(self, flow_id: str) -> Registered:
        return _read(self._database.read(), flow_id)

    def find(self, limit: int = 100, after: str = "") -> list[Registered]:
        rows = self._database.read().execute(
            "SELECT doc FROM flows WHERE id > ? ORDER BY id LIMIT ?", (after, limit)
        )
        return [registered_from_json(doc) for (doc,) in rows]

    def amend(self, flow_id: str, arrow: Callable[[Registered], Registered]) -> Registered:
        with self._database.write() as db:
            flow = arrow(_read(db, flow_id))
            db.execute("UPDATE flows SET doc = ? WHERE id = ?", (registered_to_json(flow), flow_id))
            return flow

    def remove(self, flow_id: str) -> None:
        with self._database.write() as db:
            db.execute("DELETE FROM flows WHERE id = ?", (flow_id,))


def _read(db: sqlite3.Connection, flow_id: str) -> Registered:
    row = db.execute("SELECT doc FROM flows WHERE id = ?", (flow_id,)).fetchone()
    if row is None:
        raise FlowNotFound(f"there is no registered flow {flow_id} here")
    return registered_from_json(row[0])
