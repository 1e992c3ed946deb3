"""Whose messages a process pulls: every batch's that any process can work on, or one batch's alone.

A flow that is only in memory is found by the process that made it, and by no other. Its runs, and
its fold, are left to that process, which names the batch: whoever pulled them otherwise could only
give them back, again and again, until they were taken for undeliverable.
"""

from __future__ import annotations

import json
import sqlite3

from fanfold.domain.flow import IN_MEMORY
from fanfold.ports import Station

#: batches remembered; what is forgotten is looked up again
_KEPT = 1000


class Scope:
    def __init__(self, only: str | None = None) -> None:
        #: the one batch, with the children of its runs; None: all that are for everybody
        self._only = only
        self._everybodys: set[str] = set()
        #: by station, the batches that were met and are not for everybody
        self._left: dict[Station, list[str]] = {}

    def where(self, station: Station) -> tuple[str, str]:
        """A condition on messages, as far as it is known, and its parameter."""
        if self._only is not None:
            return "batch IN (SELECT id FROM batches WHERE root = ?)", self._only
        left = self._left.get(station)
        return (
            "batch NOT IN (SELECT value FROM json_each(?))",
            json.dumps(left) if left else "[]",
        )

    def has(self, db: sqlite3.Connection, station: Station, batch_id: str) -> bool:
        """Whether a message that met the condition is to be pulled here."""
        if self._only is not None or batch_id in self._everybodys:
            return True
        if station not in (Station.RUNS, Station.FINALIZATIONS):
            return True  # they need no flow
        if batch_id in self._left.get(station, ()):
            return False
        row = db.execute(
            "SELECT json_extract(doc, '$.flow.place'), json_extract(doc, '$.flow.folds') "
            "FROM batches WHERE id = ?",
            (batch_id,),
        ).fetchone()
        if row is None or not row[0].startswith(IN_MEMORY):
            if len(self._everybodys) >= _KEPT:
                self._everybodys.clear()
            self._everybodys.add(batch_id)
            return True
        if station is Station.FINALIZATIONS and not row[1]:
            return True
        self._left[station] = [*self._left.get(station, []), batch_id][-_KEPT:]
        return False
