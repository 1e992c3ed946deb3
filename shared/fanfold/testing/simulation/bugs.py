"""Bugs to seed: small wrong versions of what is right, each put in its place for some schedules.

They show that the simulation can find something. Each is a mistake that was near at hand when the
step was written, and is refuted by a sentence in that step's own docstring.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from fanfold.domain import batch as batch_rules
from fanfold.domain import frontier as frontier_rules
from fanfold.domain.batch import Batch
from fanfold.domain.frontier import Release, Window
from fanfold.domain.run import Live, Run, RunState
from fanfold.domain.settling import Verdict
from fanfold.domain.tally import Tally, tally_of
from fanfold.engines.embedded import batches as embedded_batches
from fanfold.engines.embedded import runs as embedded_runs
from fanfold.engines.embedded.batches import EmbeddedBatches, number_of, read_batch
from fanfold.engines.embedded.leases import EmbeddedLeases
from fanfold.engines.embedded.places import place_of
from fanfold.engines.embedded.rows import RUN_COLUMNS
from fanfold.engines.embedded.runs import EmbeddedRuns
from fanfold.engines.embedded.tallies import add_tally
from fanfold.steps import fan_out as fan_out_steps
from fanfold.steps import pause as pause_steps
from fanfold.steps import run_flow
from fanfold.steps.ask import generation_of
from fanfold.steps.catch_up import catch_up
from fanfold.steps.landing import Landing
from fanfold.testing.simulation.bug import Bug, Wrong, nothing
from fanfold.testing.simulation.bugs_between import BETWEEN
from fanfold.worker.ways_out import WaysOut

# ------------------------------------------------------------ settling


def _acks_first(right: Any) -> Any:
    def land(self: Any, batch: Batch, entries: Sequence[Any], gathered: float) -> None:
        self._finish([entry.receipt for entry in entries])
        right(self, batch, entries, gathered)

    return land


def _counts_what_is_there(right: Any) -> Any:
    def settle(self: Any, batch: Batch, runs: Sequence[Run], *rest: Any) -> list[Verdict]:
        verdicts: list[Verdict] = right(self, batch, runs, *rest)
        again = [run for run, it in zip(runs, verdicts, strict=True) if it is Verdict.ALREADY]
        with self._database.write() as db:
            add_tally(db, number_of(db, batch.id), 0, tally_of(again))
        return verdicts

    return settle


def _increments_again(_: Any) -> Any:
    def create(db: Any, number: int, rows: dict[int, tuple[object, ...]]) -> bool:
        db.executemany(
            f"INSERT OR REPLACE INTO runs ({RUN_COLUMNS}) "  # noqa: S608  columns
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(place_of(number, index), *row) for index, row in rows.items()],
        )
        return True

    return create


def _settles_what_is_closed(right: Any) -> Any:
    def open_number(db: Any, batch: Batch) -> int | None:
        number: int | None = right(db, batch)
        return number_of(db, batch.id) if number is None else number

    return open_number


def _settles_what_is_older(_: Any) -> Any:
    def open_number(db: Any, batch: Batch) -> int | None:
        now = read_batch(db, batch.id)[1]
        return number_of(db, batch.id) if now.is_open else None

    return open_number


def _leaves_the_wait(_: Any) -> Any:
    return lambda db, number, indexes: 0  # noqa: ARG005  as the right one is called


# --------------------------------------------------- asking and closing


def _does_not_ask(_: Any) -> Any:
    def over_elsewhere(self: Any, batch: Batch, jobs: Sequence[Any]) -> None:
        catch_up(self._ports, batch, jobs)
        self._duty.give_back(generation_of(batch), len(jobs))
        self.finished(jobs)

    return over_elsewhere


def _never_asks(_: Any) -> Any:
    return lambda ports, batch: False  # noqa: ARG005  as the right one is called


def _keeps_slots(right: Any) -> Any:
    def close(self: Any, batch_id: str, *rest: Any) -> Batch:
        db = self._database.read()
        slots = db.execute("SELECT * FROM slots").fetchall()
        closed: Batch = right(self, batch_id, *rest)
        if closed.closed is not None and slots:
            marks = ", ".join("?" * len(slots[0]))
            with self._database.write() as writing:
                writing.executemany(f"INSERT OR IGNORE INTO slots VALUES ({marks})", slots)  # noqa: S608
        return closed

    return close


# ----------------------------------------------------------- releasing


def _counts_itself_as_settled(right: Any) -> Any:
    def grant(*window_and_tally: Any, concurrency: int, record: int | None, **rest: Any) -> Any:
        more = concurrency if record is None else concurrency + 1
        return right(*window_and_tally, concurrency=more, record=record, **rest)

    return grant


def _keeps_no_outbox(right: Any) -> Any:
    def grant(window: Window, *rest: Any, **named: Any) -> tuple[Window, Release | None]:
        after, release = right(window, *rest, **named)
        return replace(after, pending=window.pending), release

    return grant


def _releases_what_is_paged(right: Any) -> Any:
    def columns(batch: Batch) -> tuple[object, ...]:
        state, generation, _, *rest = right(batch)
        return (state, generation, batch.positions, *rest)

    return columns


# ------------------------------------------------- fan-out, pause, waits


def _trusts_the_last_page(right: Any) -> Any:
    def read_on(ports: Any, batch: Batch, published: int, out_of_time: Any) -> Batch:
        read: Batch = right(ports, batch, max(published, batch.checkpoint.pages), out_of_time)
        return read

    return read_on


def _believes_its_view(_: Any) -> Any:
    def is_acked_unrun(_: Any, batch: Batch) -> bool:
        return batch.state is batch_rules.BatchState.PAUSED and batch.options.concurrency is None

    return is_acked_unrun


def _counts_each_wait(right: Any) -> Any:
    def wait(self: Any, batch: Batch, lives: Sequence[Live]) -> None:
        known = self.lives(batch.id, [it.index for it in lives]).values()
        right(self, batch, lives)
        again = sum(it.state is RunState.WAITING for it in known)
        if again:
            with self._database.write() as db:
                add_tally(db, number_of(db, batch.id), 0, Tally(waits=again))

    return wait


def _takes_what_is_taken(_: Any) -> Any:
    def take(self: Any, batch: Batch, live: Live, now: float) -> bool:  # noqa: ARG001  as it is
        settled = bool(self._database.read().execute("SELECT 1 FROM runs").fetchone())
        self.hold(batch, [live])
        return not settled or live.index in self.lives(batch.id, [live.index])

    return take


def _forgets_ended_leases(right: Any) -> Any:
    def wake(self: Any, batch: Batch, now: float, until: float, limit: int) -> list[Live]:
        return [it for it in right(self, batch, now, until, limit) if it.attempts != 1]

    return wake


def _clears_nothing(_: Any) -> Any:
    return lambda ports, batch, start, out_of_time: batch.chosen.records  # noqa: ARG005  as it is


def _clears_what_is_new(_: Any) -> Any:
    def clear(self: Any, batch: Batch, indexes: Sequence[int]) -> None:
        with self._database.write() as db:
            places = [(place_of(number_of(db, batch.id), index),) for index in indexes]
            db.executemany("DELETE FROM runs WHERE place = ?", places)

    return clear


def _fan_out(name: str, made: Callable[[Any], Any]) -> Wrong:
    return fan_out_steps, name, made


_NO_SWEEP = "nothing needs the sweep that has a message"

BUGS: tuple[Bug, ...] = (
    Bug(
        "ack before settle",
        "nothing is acked before it is settled",
        (Landing, "_land", _acks_first),
    ),
    Bug(
        "count without create",
        "counts are conserved",
        (EmbeddedRuns, "settle", _counts_what_is_there),
    ),
    Bug(
        "a commit repeated as a plain increment",
        "a record is counted once",
        (embedded_runs, "_create", _increments_again),
    ),
    Bug(
        "no question on a duplicate",
        _NO_SWEEP,
        (WaysOut, "over_elsewhere", _does_not_ask),
        seen_at=192,
    ),
    Bug("no question after the seal", _NO_SWEEP, _fan_out("ask", _never_asks)),
    Bug(
        "slots not deleted at the close",
        "a closed batch keeps no counters",
        (EmbeddedBatches, "close", _keeps_slots),
    ),
    Bug(
        "a result lands in a closed batch",
        "one close per generation",
        (embedded_runs, "open_number", _settles_what_is_closed),
    ),
    Bug(
        "release before settle",
        "no more in flight than may be",
        (frontier_rules, "grant", _counts_itself_as_settled),
    ),
    Bug(
        "a canary that is not waited for",
        "a canary runs alone",
        (embedded_batches, "_columns", _releases_what_is_paged),
    ),
    Bug(
        "a release that no outbox keeps",
        _NO_SWEEP,
        (frontier_rules, "grant", _keeps_no_outbox),
        seen_at=177,
    ),
    Bug(
        "the last page taken for published",
        _NO_SWEEP,
        _fan_out("_read_on", _trusts_the_last_page),
        seen_at=988,
    ),
    Bug("out of time without handing on", _NO_SWEEP, _fan_out("request_fan_out", nothing)),
    Bug("a resume that publishes nothing", _NO_SWEEP, (pause_steps, "_publish_again", nothing)),
    Bug(
        "paused by an old view",
        "nothing is acked before it is settled",
        (run_flow, "is_acked_unrun", _believes_its_view),
    ),
    Bug(
        "a generation not checked",
        "one close per generation",
        (embedded_runs, "open_number", _settles_what_is_older),
        seen_at=496,
    ),
    Bug(
        "a retry that clears nothing",
        "nothing is acked before it is settled",
        _fan_out("clear", _clears_nothing),
    ),
    Bug(
        "a retry that clears its own results",
        "terminal never regresses",
        (EmbeddedRuns, "clear", _clears_what_is_new),
        seen_at=471,
    ),
    Bug(
        "a wait counted each time",
        "counts are conserved",
        (EmbeddedLeases, "wait", _counts_each_wait),
    ),
    Bug(
        "a wait that settling does not end",
        "counts are conserved",
        (embedded_runs, "end_lives", _leaves_the_wait),
    ),
    Bug(
        "an exclusive lease taken from its holder",
        "an exclusive record is run by one",
        (EmbeddedLeases, "take", _takes_what_is_taken),
        seen_at=173,
    ),
    Bug(
        "a lease that ended and nobody looks for",
        "at rest the batch is closed",
        (EmbeddedLeases, "wake", _forgets_ended_leases),
    ),
    *BETWEEN,
)
