"""Dead letters, in a table."""

from __future__ import annotations

import sqlite3
from typing import Any

from fanfold.domain.letter import Fate, Letter
from fanfold.engines.embedded.database import Database
from fanfold.errors import LetterNotFound

_COLUMNS = "id, origin, reason, at, batch, record, body, size, fate, about, resurrected_at"


class EmbeddedLetters:
    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, letter: Letter) -> Letter:
        with self._database.write() as db:
            db.execute(
                f"INSERT OR IGNORE INTO letters ({_COLUMNS}) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    letter.id,
                    letter.origin,
                    letter.reason,
                    letter.at,
                    letter.batch_id,
                    letter.index,
                    letter.body,
                    letter.size,
                    letter.fate,
                    letter.about,
                    letter.resurrected_at,
                ),
            )
            return _read(db, letter.id)

    def get(self, letter_id: str) -> Letter:
        return _read(self._database.read(), letter_id)

    def find(self, batch_id: str | None = None, limit: int = 100, before: str = "") -> list[Letter]:
        where, values = ["1"], list[Any]()
        if batch_id is not None:
            where.append("batch = ?")
            values.append(batch_id)
        if before:
            last = self.get(before)
            where.append("(at, id) < (?, ?)")
            values += [last.at, last.id]
        rows = self._database.read().execute(
            f"SELECT {_COLUMNS} FROM letters WHERE {' AND '.join(where)} "
            "ORDER BY at DESC, id DESC LIMIT ?",
            (*values, limit),
        )
        return [_letter_of(row) for row in rows]

    def mark(self, letter_id: str, now: float) -> Letter:
        with self._database.write() as db:
            db.execute(
                "UPDATE letters SET resurrected_at = ? WHERE id = ? AND resurrected_at IS NULL",
                (now, letter_id),
            )
            return _read(db, letter_id)

    def forget(self, letter_id: str) -> None:
        with self._database.write() as db:
            db.execute("DELETE FROM letters WHERE id = ?", (letter_id,))


def _read(db: sqlite3.Connection, letter_id: str) -> Letter:
    row = db.execute(f"SELECT {_COLUMNS} FROM letters WHERE id = ?", (letter_id,)).fetchone()
    if row is None:
        raise LetterNotFound(f"there is no dead letter {letter_id} here")
    return _letter_of(row)


def _letter_of(row: Any) -> Letter:
    letter_id, origin, reason, at, batch, index, body, size, fate, about, resurrected_at = row
    return Letter(
        letter_id, origin, reason, at, batch, index, body, size, Fate(fate), about, resurrected_at
    )
