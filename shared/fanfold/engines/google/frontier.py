"""The concurrency limit's window: a compare-and-set on one document per group of settled runs.

The window is read before the sums, and must be unchanged when the release is written. Between the
two the sums can only have grown, so the limit may be missed from below, never passed.

The rate's turns are another compare-and-set, on a document of their own: the window's is busy. It
is made by the first who reserves, and outlives the close: a retry goes on with it.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, replace
from typing import Any

from fanfold.domain import frontier, rate
from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.frontier import Release, Window
from fanfold.domain.rate import Turns
from fanfold.domain.run import RunState
from fanfold.domain.run import wake as woken_of
from fanfold.domain.tally import Tally
from fanfold.engines.google import values
from fanfold.engines.google.documents import Layout, batch_of, live_fields, live_of
from fanfold.engines.google.firestore import Aborted, Document, Missing, Stale, Unsure, pauses_until
from fanfold.engines.google.querying import Where

_PATIENCE = 60.0
_WAKE_SECONDS = 60.0
#: a release is worth its write when it is this share of the limit
_SHARE = 16


class GoogleFrontier:
    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._firestore = layout.firestore

    def advance(
        self, batch: Batch, token: str, record: int | None, done: Collection[str], now: float
    ) -> Release | None:
        path = self._layout.window(batch.id)
        pauses = pauses_until(_PATIENCE)
        parent = self._layout.batch(batch.id)
        while True:
            known = self._firestore.get([path, parent])
            document = known.get(path)
            if document is None:
                return None
            window = _window_of(document)
            if token in window.pending:  # this very call, whose reply was lost
                return window.pending[token]
            settled_up = frontier.settle_up(window, done)
            after, release, woken = self._grant(
                batch, known.get(parent), settled_up, document, token, record, now
            )
            if after == window:
                return None
            fields = {
                "released": after.released,
                "woken": document.fields["woken"] + len(woken),
                "pending": json.dumps({name: asdict(it) for name, it in after.pending.items()}),
            }
            flips = [
                values.change(
                    it.path,
                    live_fields(woken_of(live_of(it), now + _WAKE_SECONDS)),
                    since=it.update_time,
                )
                for it in woken
            ]
            try:
                self._firestore.commit(
                    [values.change(path, fields, since=document.update_time), *flips]
                )
            except (Stale, Aborted, Unsure, Missing):  # a loser reads again
                if not next(pauses, False):
                    raise
            else:
                return release

    def window(self, batch_id: str) -> Window:
        document = self._firestore.get_one(self._layout.window(batch_id))
        return Window() if document is None else _window_of(document)

    def reserve(self, batch_id: str, turns: int, step: float, ahead: float, now: float) -> Turns:
        path = self._layout.rate(batch_id)

        def work(known: Document | None) -> tuple[list[Any], Turns]:
            last = None if known is None else known.fields["last"]
            reserved = rate.reserve(last, turns, step, ahead, now)
            if not reserved.count:
                return [], reserved
            fields = {"last": reserved.last}
            if known is None:
                return [values.create(path, fields)], reserved
            return [values.change(path, fields, since=known.update_time)], reserved

        return self._firestore.swap(path, work)

    def _grant(
        self,
        known: Batch,
        stored: Document | None,
        window: Window,
        document: Document,
        token: str,
        record: int | None,
        now: float,
    ) -> tuple[Window, Release | None, list[Document]]:
        parent = self._layout.batch(known.id)
        sums = self._firestore.aggregate(parent, "slots", sums=["settled", "waits", "woken"])
        batch = batch_of(stored, known.id)
        limit = batch.options.concurrency
        stopped = batch.state is not BatchState.RUNNING or batch.generation != known.generation
        if limit is None or stopped:
            return window, None, []
        tally = Tally(
            succeeded=int(sums["settled"] or 0),
            waits=int(sums["waits"] or 0),
            woken=int(sums["woken"] or 0) + document.fields["woken"],
        )
        room = frontier.free(window, tally, limit)
        due = self._due(known.id, now, room) if tally.waiting and room > 0 else []
        due = [it for it in due if it.fields["generation"] == known.generation]
        after, release = frontier.grant(
            window,
            tally,
            concurrency=limit,
            paged=batch.releasable,
            due=[it.fields["index"] for it in due],
            token=token,
            record=record,
            now=now,
            at_least=max(1, limit // _SHARE),
        )
        return after, release, due[: len(release.woken)] if release else []

    def _due(self, batch_id: str, now: float, limit: int) -> list[Document]:
        where = [
            Where("batch", "==", batch_id),
            Where("state", "==", str(RunState.WAITING)),
            Where("until", "<=", now),
        ]
        return self._firestore.query("", self._layout.live, where, order="until", limit=limit)


def _window_of(document: Document) -> Window:
    pending = {
        token: replace(Release(**it), woken=tuple(it["woken"]))
        for token, it in json.loads(document.fields["pending"]).items()
    }
    return Window(document.fields["released"], pending)
