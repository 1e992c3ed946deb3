"""What the tables say, read past the ports: what invariants are held against."""

from __future__ import annotations

from dataclasses import dataclass

from fanfold.domain.run import RunState
from fanfold.engines.embedded.memory import MemoryDatabase
from fanfold.engines.embedded.places import INDEX_MASK
from fanfold.ports import Station

_SLOTS = """
SELECT count(*), coalesce(sum(succeeded), 0), coalesce(sum(failed), 0), coalesce(sum(canceled), 0),
       coalesce(sum(skipped), 0), coalesce(sum(waits) - sum(woken), 0)
FROM slots
"""


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


class Tables:
    """Of one batch: there is no other."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database
        self._read = database.read().execute

    def slots(self) -> Slots:
        return Slots(*self._read(_SLOTS).fetchone())

    def documents(self) -> dict[int, Document]:
        rows = self._read(
            "SELECT place & ?, generation, status, output, detail FROM runs", (INDEX_MASK,)
        )
        return {row[0]: row[1:] for row in rows.fetchall()}

    def lives(self, generation: int) -> dict[int, tuple[str, float, str | None]]:
        """Of this generation: older ones' are passed over, and removed."""
        rows = self._read(
            "SELECT place & ?, state, until, owner FROM lives WHERE generation = ?",
            (INDEX_MASK, generation),
        )
        return {row[0]: row[1:] for row in rows.fetchall()}

    def released(self) -> int | None:
        """None where there is no window any more."""
        row = self._read("SELECT released FROM windows").fetchone()
        return None if row is None else int(row[0])

    def messages(self) -> int:
        return int(self._read("SELECT count(*) FROM messages").fetchone()[0])

    def kept_counters(self) -> int:
        """Rows that a closed batch has no more use for."""
        tables = ("slots", "errors", "durations", "windows")
        return sum(
            int(self._read(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608  ours
            for table in tables
        )

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
