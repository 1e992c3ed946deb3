"""Dead letters, in documents."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from fanfold.domain.letter import Fate, Letter
from fanfold.engines.google import values
from fanfold.engines.google.documents import Layout
from fanfold.engines.google.firestore import Document
from fanfold.engines.google.querying import Where
from fanfold.errors import LetterNotFound

_KEPT = timedelta(days=400)


class GoogleLetters:
    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._firestore = layout.firestore

    def keep(self, letter: Letter) -> Letter:
        write = values.create(self._layout.letter(letter.id), _fields(letter))
        return letter if self._firestore.create([write]) else self.get(letter.id)

    def get(self, letter_id: str) -> Letter:
        return _letter_of(self._firestore.get_one(self._layout.letter(letter_id)), letter_id)

    def find(self, batch_id: str | None = None, limit: int = 100, before: str = "") -> list[Letter]:
        last = self.get(before) if before else None
        documents = self._firestore.query(
            "",
            self._layout.letters,
            [] if batch_id is None else [Where("batch", "==", batch_id)],
            order="at",
            descending=True,
            after=(last.at, self._layout.letter(last.id)) if last else None,
            limit=limit,
        )
        return [_letter_of(document, document.id) for document in documents]

    def mark(self, letter_id: str, now: float) -> Letter:
        path = self._layout.letter(letter_id)

        def work(document: Document | None) -> tuple[list[Any], Letter]:
            letter = _letter_of(document, letter_id)
            if document is None or letter.resurrected_at is not None:
                return [], letter  # by another, or by this very commit, whose reply was lost
            changed = replace(letter, resurrected_at=float(now))
            fields = {"resurrected_at": float(now)}
            return [values.change(path, fields, since=document.update_time)], changed

        return self._firestore.swap(path, work)

    def forget(self, letter_id: str) -> None:
        self._firestore.delete([self._layout.letter(letter_id)])


def _fields(letter: Letter) -> dict[str, Any]:
    return {
        "origin": letter.origin,
        "reason": letter.reason,
        "at": float(letter.at),
        "batch": letter.batch_id,
        "index": letter.index,
        "body": letter.body,
        "size": letter.size,
        "fate": str(letter.fate),
        "about": letter.about,
        "resurrected_at": letter.resurrected_at,
        # for whoever never prunes: the service removes it then (resources.EXPIRING)
        "expires_at": datetime.fromtimestamp(letter.at, UTC) + _KEPT,
    }


def _letter_of(document: Document | None, letter_id: str) -> Letter:
    if document is None:
        raise LetterNotFound(f"there is no dead letter {letter_id} here")
    it = document.fields
    return Letter(
        id=letter_id,
        origin=it["origin"],
        reason=it["reason"],
        at=it["at"],
        batch_id=it["batch"],
        index=it["index"],
        body=it["body"],
        size=it["size"],
        fate=Fate(it["fate"]),
        about=it["about"],
        resurrected_at=it["resurrected_at"],
    )
