"""A durable queue in a table, whose rows are bundles of messages (engines.embedded.bundle).

A bundle is leased by setting its owner and the time it becomes visible again. A lease ends when
that time has passed (its owner may be stopped, or hang), or at once when its owner is dead.

What is ready is looked for class by class, each from the beginning of its stretch of the index.
Asked for in one order of all, each look would go over what is leased of a higher class first.
"""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from threading import Event

from fanfold.domain.batch import BatchState
from fanfold.domain.priority import Priority
from fanfold.engines.embedded.bundle import MAX_MESSAGES, bundles_of, named, pack, unpack
from fanfold.engines.embedded.database import Database
from fanfold.engines.embedded.owners import Ownership
from fanfold.engines.embedded.ranks import LISTED, NORMAL, RANKS
from fanfold.engines.embedded.scope import Scope
from fanfold.ports import MAX_DELIVERIES, Clock, Delivery, Station, class_at

#: seconds until a message that nobody extended becomes visible again
LEASE_SECONDS = 60.0
#: how often the living look for the dead
_REAP_SECONDS = 0.2
_POLL_SECONDS = 0.002
_IDLE_POLL_SECONDS = 0.01
#: where messages come by the thousand; elsewhere each is a row, and is looked at by itself
_BUNDLED = frozenset({Station.RUNS})
#: a token is a row's number and, below so many bits, which of its messages
_BITS = 6
_BIT = (1 << _BITS) - 1
_INSERT = (
    "INSERT INTO messages (station, rank, visible_at, owner, attempts, batch, origin, rest, body)"
)


class EmbeddedQueue:
    def __init__(
        self,
        database: Database,
        clock: Clock,
        ownership: Ownership,
        scope: Scope | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`monotonic` says when to look for the dead again, and how long a pull has waited."""
        self._database = database
        self._clock = clock
        self._ownership = ownership
        self._scope = scope or Scope()
        self._monotonic = monotonic
        self._registered = False
        self._reaped_at = -math.inf
        self._published = Event()

    def publish(
        self,
        station: Station,
        batch_id: str,
        bodies: Sequence[bytes],
        priority: Priority = Priority.NORMAL,
    ) -> None:
        if not bodies:
            return
        rank = class_at(station, priority).rank
        size = MAX_MESSAGES if station in _BUNDLED else 1
        bundles = [pack(entries) for entries in bundles_of(named(bodies), size)]
        now = self._clock.now()
        with self._database.write() as db:
            db.executemany(
                f"{_INSERT} VALUES (?, ?, ?, NULL, 0, ?, NULL, ?, ?)",
                [(station, rank, now, batch_id, rest, body) for rest, body in bundles],
            )
        self._published.set()

    def pull(self, station: Station, limit: int, wait: float = 0.0) -> list[Delivery]:
        self._register()
        deadline = self._monotonic() + wait
        patience = _POLL_SECONDS
        while True:
            self._reap()
            if self._has(station):
                deliveries = self._take(station, limit)
                if deliveries:
                    return deliveries
            left = deadline - self._monotonic()
            if left <= 0:
                return []
            # what this process publishes wakes its own waiters; other processes' is polled for
            self._published.clear()
            if not self._has(station):
                self._published.wait(min(patience, left))
            patience = min(patience * 1.1, _IDLE_POLL_SECONDS)

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        if deliveries:
            with self._database.write() as db:
                _strike_off(db, _by_row(deliveries))

    def release(self, deliveries: Sequence[Delivery], delay: float = 0.0) -> None:
        """Only what is still this process's: a lease that ended may be another's by now."""
        if not deliveries:
            return
        visible_at = self._clock.now() + delay
        with self._database.write() as db:
            for number, bits in _by_row(deliveries).items():
                row = db.execute(
                    "SELECT rest FROM messages WHERE id = ? AND owner = ?",
                    (number, self._ownership.name),
                ).fetchone()
                if row is None or not row[0] & bits:
                    continue
                if row[0] & ~bits:
                    number = _move(db, number, bits)  # noqa: PLW2901  the others stay leased
                db.execute(
                    "UPDATE messages SET owner = NULL, visible_at = ? WHERE id = ?",
                    (visible_at, number),
                )

    def extend(self, deliveries: Sequence[Delivery]) -> None:
        if not deliveries:
            return
        until, owner = self._clock.now() + LEASE_SECONDS, self._ownership.name
        with self._database.write() as db:
            db.executemany(
                "UPDATE messages SET visible_at = ? WHERE id = ? AND owner = ?",
                [(until, number, owner) for number in _by_row(deliveries)],
            )

    def bury(self, deliveries: Sequence[Delivery]) -> None:
        if not deliveries:
            return
        with self._database.write() as db:
            rows = [_move(db, number, bits) for number, bits in _by_row(deliveries).items()]
            self._to_dead_letters(db, rows)

    def condemn(self, station: Station, body: bytes) -> None:
        rest, packed = pack(list(named([body])))
        with self._database.write() as db:
            db.execute(
                f"{_INSERT} VALUES (?, ?, ?, NULL, 0, '', ?, ?, ?)",
                (Station.DEAD_LETTERS, NORMAL, self._clock.now(), station, rest, packed),
            )

    def backlog(self, station: Station) -> int | None:
        (count,) = (
            self._database.read()
            .execute(
                "SELECT coalesce(sum(bits(rest)), 0) FROM messages WHERE station = ?", (station,)
            )
            .fetchone()
        )
        return int(count)

    def _has(self, station: Station) -> bool:
        mine, batches = self._scope.where(station)
        row = (
            self._database.read()
            .execute(
                f"SELECT 1 FROM messages WHERE station = ? AND rank IN ({LISTED[station]}) "
                f"AND visible_at <= ? AND {mine} LIMIT 1",
                (station, self._clock.now(), batches),
            )
            .fetchone()
        )
        return row is not None

    def _take(self, station: Station, limit: int) -> list[Delivery]:
        now = self._clock.now()
        with self._database.write() as db:
            rows = self._lease(db, station, limit, now)
            dead = [row[0] for row in rows if row[1] > MAX_DELIVERIES]
            if dead and station is not Station.DEAD_LETTERS:
                self._to_dead_letters(db, dead)
                rows = [row for row in rows if row[1] <= MAX_DELIVERIES]
        return [
            Delivery(
                station,
                body,
                attempts,
                str(number << _BITS | bit.bit_length() - 1),
                Station(origin) if origin is not None else None,
                f"{name:x}",
            )
            for number, attempts, origin, rest, packed in rows
            for bit, (name, body) in unpack(rest, packed)
        ]

    def _lease(
        self, db: sqlite3.Connection, station: Station, limit: int, now: float
    ) -> list[tuple[int, int, str | None, int, bytes]]:
        """Whole bundles as long as they fit, and as much of the next as does."""
        wanted: list[tuple[int, int]] = []
        room = limit
        mine, batches = self._scope.where(station)
        for rank in RANKS[station]:
            rows = db.execute(
                "SELECT id, rest, batch FROM messages WHERE station = ? AND rank = ? "
                f"AND visible_at <= ? AND {mine} ORDER BY visible_at, id",
                (station, rank, now, batches),
            )
            for number, rest, batch_id in rows:
                if not self._scope.has(db, station, batch_id):
                    continue
                wanted.append((number, rest if rest.bit_count() <= room else _lowest(rest, room)))
                room -= rest.bit_count()
                if room <= 0:
                    break
            rows.close()
            if room <= 0:
                break
        leased = []
        for number, bits in wanted:
            leased += db.execute(
                "UPDATE messages SET owner = ?, attempts = attempts + 1, visible_at = ? "
                "WHERE id = ? RETURNING id, attempts, origin, rest, body",
                (self._ownership.name, now + LEASE_SECONDS, _move(db, number, bits)),
            ).fetchall()
        return leased

    def _to_dead_letters(self, db: sqlite3.Connection, numbers: Sequence[int]) -> None:
        db.executemany(
            "UPDATE messages SET origin = coalesce(origin, station), station = ?, rank = ?, "
            "attempts = 0, owner = NULL, visible_at = ? WHERE id = ?",
            [(Station.DEAD_LETTERS, NORMAL, self._clock.now(), number) for number in numbers],
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
        if self._monotonic() - self._reaped_at < _REAP_SECONDS:
            return
        self._reaped_at = self._monotonic()
        names = [name for (name,) in self._database.read().execute("SELECT name FROM owners")]
        dead = [name for name in names if not self._ownership.is_alive(name)]
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
            self._ownership.forget(name)


def _by_row(deliveries: Iterable[Delivery]) -> dict[int, int]:
    """Which bits of which rows."""
    rows: dict[int, int] = {}
    for delivery in deliveries:
        token = int(delivery.token)
        row = token >> _BITS
        rows[row] = rows.get(row, 0) | 1 << (token & _BIT)
    return rows


def _strike_off(db: sqlite3.Connection, rows: dict[int, int]) -> None:
    db.executemany(
        "UPDATE messages SET rest = rest & ~? WHERE id = ?",
        [(bits, number) for number, bits in rows.items()],
    )
    db.executemany("DELETE FROM messages WHERE id = ? AND rest = 0", [(number,) for number in rows])


def _move(db: sqlite3.Connection, number: int, bits: int) -> int:
    """To a row of their own, that goes another way from here on: its number. A row all of which
    goes stays what it is; where nothing is left of them there is no row, and none has number 0."""
    row = db.execute(
        "SELECT station, rank, visible_at, owner, attempts, batch, origin, rest, body "
        "FROM messages WHERE id = ?",
        (number,),
    ).fetchone()
    if row is None or not row[7] & bits:
        return 0
    if not row[7] & ~bits:
        return number
    *as_it_was, rest, packed = row
    moved = [entry for _, entry in unpack(rest & bits, packed)]
    cursor = db.execute(f"{_INSERT} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*as_it_was, *pack(moved)))
    _strike_off(db, {number: bits})
    return int(cursor.lastrowid or 0)


def _lowest(rest: int, count: int) -> int:
    """The lowest so many bits of it that are set."""
    bits = 0
    for _ in range(count):
        lowest = rest & -rest
        bits |= lowest
        rest ^= lowest
    return bits
