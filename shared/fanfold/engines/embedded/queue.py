"""A durable queue in a table.

A message is leased by setting its owner and the time it becomes visible again. A lease ends when
that time has passed (its owner may be stopped, or hang), or at once when its owner is dead.
"""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Sequence
from threading import Event

from fanfold.domain.batch import BatchState
from fanfold.engines.embedded.database import Database
from fanfold.engines.embedded.owners import Ownership, forget, is_alive
from fanfold.ports import MAX_DELIVERIES, Clock, Delivery, Station

#: seconds until a message that nobody extended becomes visible again
LEASE_SECONDS = 60.0
#: how often the living look for the dead
_REAP_SECONDS = 0.2
_POLL_SECONDS = 0.002
_IDLE_POLL_SECONDS = 0.01


class EmbeddedQueue:
    def __init__(self, database: Database, clock: Clock, ownership: Ownership) -> None:
        self._database = database
        self._clock = clock
        self._ownership = ownership
        self._folder = database.path.parent / "owners"
        self._registered = False
        self._reaped_at = -math.inf
        self._published = Event()

    def publish(self, station: Station, batch_id: str, bodies: Sequence[bytes]) -> None:
        if not bodies:
            return
        now = self._clock.now()
        with self._database.write() as db:
            db.executemany(
                "INSERT INTO messages (station, visible_at, attempts, batch, body) "
                "VALUES (?, ?, 0, ?, ?)",
                [(station, now, batch_id, body) for body in bodies],
            )
        self._published.set()

    def pull(self, station: Station, limit: int, wait: float = 0.0) -> list[Delivery]:
        self._register()
        deadline = time.monotonic() + wait
        patience = _POLL_SECONDS
        while True:
            self._reap()
            if self._has(station):
                deliveries = self._take(station, limit)
                if deliveries:
                    return deliveries
            left = deadline - time.monotonic()
            if left <= 0:
                return []
            # what this process publishes wakes its own waiters; other processes' is polled for
            self._published.clear()
            if not self._has(station):
                self._published.wait(min(patience, left))
            patience = min(patience * 1.1, _IDLE_POLL_SECONDS)

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        if not deliveries:
            return
        with self._database.write() as db:
            db.executemany("DELETE FROM messages WHERE id = ?", [(it.token,) for it in deliveries])

    def release(self, deliveries: Sequence[Delivery], delay: float = 0.0) -> None:
        self._give_back(deliveries, self._clock.now() + delay, owner=None)

    def extend(self, deliveries: Sequence[Delivery]) -> None:
        self._give_back(deliveries, self._clock.now() + LEASE_SECONDS, owner=self._ownership.name)

    def bury(self, deliveries: Sequence[Delivery]) -> None:
        if not deliveries:
            return
        with self._database.write() as db:
            self._to_dead_letters(db, [int(it.token) for it in deliveries])

    def condemn(self, station: Station, body: bytes) -> None:
        with self._database.write() as db:
            db.execute(
                "INSERT INTO messages (station, visible_at, attempts, batch, origin, body) "
                "VALUES (?, ?, 0, '', ?, ?)",
                (Station.DEAD_LETTERS, self._clock.now(), station, body),
            )

    def backlog(self, station: Station) -> int | None:
        (count,) = (
            self._database.read()
            .execute("SELECT count(*) FROM messages WHERE station = ?", (station,))
            .fetchone()
        )
        return int(count)

    def _has(self, station: Station) -> bool:
        row = (
            self._database.read()
            .execute(
                "SELECT 1 FROM messages WHERE station = ? AND visible_at <= ? LIMIT 1",
                (station, self._clock.now()),
            )
            .fetchone()
        )
        return row is not None

    def _take(self, station: Station, limit: int) -> list[Delivery]:
        now = self._clock.now()
        with self._database.write() as db:
            rows = db.execute(
                "UPDATE messages SET owner = ?, attempts = attempts + 1, visible_at = ? "
                "WHERE id IN (SELECT id FROM messages WHERE station = ? AND visible_at <= ? "
                "ORDER BY visible_at LIMIT ?) RETURNING id, attempts, origin, body",
                (self._ownership.name, now + LEASE_SECONDS, station, now, limit),
            ).fetchall()
            dead = [row[0] for row in rows if row[1] > MAX_DELIVERIES]
            if dead and station is not Station.DEAD_LETTERS:
                self._to_dead_letters(db, dead)
                rows = [row for row in rows if row[1] <= MAX_DELIVERIES]
        rows.sort()
        return [
            Delivery(
                station,
                bytes(body),
                attempts,
                str(number),
                Station(origin) if origin is not None else None,
                str(number),
            )
            for number, attempts, origin, body in rows
        ]

    def _to_dead_letters(self, db: sqlite3.Connection, numbers: Sequence[int]) -> None:
        db.executemany(
            "UPDATE messages SET origin = coalesce(origin, station), station = ?, attempts = 0, "
            "owner = NULL, visible_at = ? WHERE id = ?",
            [(Station.DEAD_LETTERS, self._clock.now(), number) for number in numbers],
        )

    def _give_back(
        self, deliveries: Sequence[Delivery], visible_at: float, owner: str | None
    ) -> None:
        """Only what is still this process's: a lease that ended may be another's by now."""
        if not deliveries:
            return
        with self._database.write() as db:
            db.executemany(
                "UPDATE messages SET visible_at = ?, owner = ? WHERE id = ? AND owner = ?",
                [(visible_at, owner, it.token, self._ownership.name) for it in deliveries],
            )

    def _register(self) -> None:
        """Only who leases needs to be known as living."""
        if self._registered:
            return
        self._ownership.hold()
        with self._database.write() as db:
            db.execute("INSERT OR IGNORE INTO owners VALUES (?)", (self._ownership.name,))
        self._registered = True

    def _reap(self) -> None:
        """Give back, at once, what dead processes had leased: messages, runs, finalizations."""
        if time.monotonic() - self._reaped_at < _REAP_SECONDS:
            return
        self._reaped_at = time.monotonic()
        names = [name for (name,) in self._database.read().execute("SELECT name FROM owners")]
        dead = [name for name in names if not is_alive(self._folder, name)]
        if not dead:
            return
        now = self._clock.now()
        with self._database.write() as db:
            for name in dead:
                db.execute(
                    "UPDATE messages SET owner = NULL, visible_at = ? WHERE owner = ?", (now, name)
                )
                db.execute("UPDATE lives SET until = ?, owner = NULL WHERE owner = ?", (now, name))
                db.execute(
                    "UPDATE batches SET doc = json_set(doc, '$.claim.until', 0.0) "
                    "WHERE state = ? AND json_extract(doc, '$.claim.owner') LIKE ?",
                    (BatchState.FINALIZING, f"{name}/%"),
                )
                db.execute("DELETE FROM owners WHERE name = ?", (name,))
        for name in dead:
            forget(self._folder, name)
