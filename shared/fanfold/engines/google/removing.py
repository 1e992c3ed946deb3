"""Deleting documents only as they were read."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from fanfold.engines.google import values
from fanfold.engines.google.firestore import (
    Aborted,
    Document,
    Firestore,
    Missing,
    Stale,
    Unsure,
    pauses_until,
)

_PATIENCE = 60.0


def remove(firestore: Firestore, read: Callable[[], Iterable[Document]]) -> None:
    """What `read` finds. Something that has changed since is not what was meant to go: then nothing
    goes, and it is read again."""
    pauses = pauses_until(_PATIENCE)
    while found := list(read()):
        try:
            firestore.commit([values.delete(it.path, since=it.update_time) for it in found])
        except (Stale, Missing, Aborted, Unsure):
            if not next(pauses, False):
                raise
        else:
            return
