"""What the tables say, read past the ports: what invariants are held against."""

from __future__ import annotations

from dataclasses import dataclass

from fanfold.domain.run import RunState
from fanfold.engines.embedded.memory import MemoryDatabase
from fanfold.engines.embedded.places import INDEX_MASK, place_of
from fanfold.ports import Station

#: everything at once, which is a third of the price: kind, and what there is of that kind
_ALL = """
SELECT 0, place & :mask, generation, status, output, detail, NULL FROM runs
          WHERE place < :end
UNION ALL SELECT 1, place & :mask, state, until, owner, NULL, NULL FROM lives
          WHERE generation = :now AND place < :end
UNION ALL SELECT 2, released, NULL, NULL, NULL, NULL, NULL FROM windows WHERE batch = 1
UNION ALL SELECT 3, count(*), coalesce(sum(succeeded), 0), coalesce(sum(failed), 0),
                 coalesce(sum(canceled), 0), coalesce(sum(skipped), 0),
                 coalesce(sum(waits) - sum(woken), 0) FROM slots WHERE batch = 1
"""
_KEPT = """
SELECT (SELECT count(*) FROM slots WHERE batch = 1)
     + (SELECT count(*) FROM errors WHERE batch = 1)
     + (SELECT count(*) FROM durations WHERE batch = 1)
     + (SELECT count(*) FROM windows WHERE batch = 1)
"""


#: of the places of the first batch
_END = place_of(2, 0)


@dataclass(slots=True)
class Slots:
    slots: int
    succeeded: int
    failed: int
    canceled: int
    skipped: int
    waiting: int

    @property
    def settled(self) -> int:
        return self.succeeded + self.failed + self.canceled + self.skipped


#: of a settled run: generation, status, output and failure
Document = tuple[int, str, str | None, str]
#: its state, until when, and whose it is
LiveDocument = tuple[str, float, str | None]


@dataclass(slots=True)
class Seen:
    """What is there at one moment."""

    documents: dict[int, Document]
    lives: dict[int, LiveDocument]
    slots: Slots
    #: None where there is no window any more
    released: int | None


class Tables:
    """Of the first batch, which is the one that is simulated, unless it is said of all."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database
        self._read = database.read().execute

    def look(self, generation: int) -> Seen:
        """Live documents: of this generation. Older ones are passed over, and removed."""
        documents: dict[int, Document] = {}
        lives: dict[int, LiveDocument] = {}
        released, slots = None, None
        for row in self._read(
            _ALL, {"mask": INDEX_MASK, "end": _END, "now": generation}
        ).fetchall():
            match row[0]:
                case 0:
                    documents[row[1]] = row[2:6]
                case 1:
                    lives[row[1]] = row[2:5]
                case 2:
                    released = row[1]
                case _:
                    slots = Slots(*row[1:])
        assert slots is not None
        return Seen(documents, lives, slots, released)

    def kept_counters(self) -> int:
        """Rows that a closed batch has no more use for."""
        return int(self._read(_KEPT).fetchone()[0])

    def waiting(self) -> list[tuple[int, float, str]]:
        """Those that wait: which record, until when, and what it remembers."""
        return self._read(
            "SELECT place & ?, until, memo FROM lives WHERE place < ? AND state = ?",
            (INDEX_MASK, _END, WAITING),
        ).fetchall()

    def stations(self, now: float) -> list[str]:
        """Where there are messages to be had."""
        rows = self._read("SELECT DISTINCT station FROM messages WHERE visible_at <= ?", (now,))
        return [station for (station,) in rows.fetchall()]

    def next_visible(self) -> float | None:
        """When the next message that nobody may have yet may be had."""
        (at,) = self._read("SELECT min(visible_at) FROM messages").fetchone()
        return None if at is None else float(at)

    def next_due(self, now: float) -> float | None:
        """When the next live document will be due. One that is due may have no room yet."""
        (at,) = self._read("SELECT min(until) FROM lives WHERE until > ?", (now,)).fetchone()
        return None if at is None else float(at)

    # ------------------------------------------- what happens to messages

    def end_a_lease(self, now: float, chance: float) -> str | None:
        """A message that somebody holds may be had by others; its station."""
        rows = self._read(
            "SELECT id, station FROM messages WHERE visible_at > ? AND owner IS NOT NULL", (now,)
        ).fetchall()
        return self._change(rows, chance, "UPDATE messages SET visible_at = ? WHERE id = ?", now)

    def wear_out(self, most: int, chance: float) -> str | None:
        """A message that lies there has been delivered as often as it may be; its station."""
        rows = self._read(
            "SELECT id, station FROM messages WHERE station <> ? AND owner IS NULL",
            (Station.DEAD_LETTERS,),
        ).fetchall()
        return self._change(rows, chance, "UPDATE messages SET attempts = ? WHERE id = ?", most)

    def _change(
        self, rows: list[tuple[int, str]], chance: float, statement: str, value: float
    ) -> str | None:
        if not rows:
            return None
        number, station = rows[int(chance * len(rows))]
        with self._database.write() as db:
            db.execute(statement, (value, number))
        return station


WAITING = str(RunState.WAITING)
