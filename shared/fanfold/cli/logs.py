"""`fanfold logs`: what has become of a record, step by step, and what its flow has written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fanfold.cli import parameters as given

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

    from fanfold.domain.batch import Batch
    from fanfold.domain.run import LogEntry, Run
    from fanfold.ports import Ports

EXAMPLE = "fanfold logs last 3"

#: of what a flow writes; a run's states have those of the bar
_LEVELS = {"error": "red", "warning": "yellow"}


@dataclass(frozen=True, slots=True)
class Told:
    """All that there is to say of a record."""

    batch_id: str
    index: int
    run_id: str
    key: str | None
    status: str
    attempts: int
    seconds: float
    error: dict[str, str] | None
    traceback: str | None
    #: each with what it is: `log`, or what has become of it
    entries: tuple[tuple[str, LogEntry], ...]


def logs(
    batch: Annotated[
        str,
        typer.Argument(
            metavar="BATCH",
            help="A batch's id, the beginning of it, or `last`; or a run's id.",
            autocompletion=given.complete_batch,
            show_default=False,
        ),
    ],
    record: Annotated[
        str | None,
        typer.Argument(
            metavar="RECORD",
            help="The record's index, or its key. Default: all that have failed, or whose flow has "
            "written anything.",
            show_default=False,
        ),
    ] = None,
    engine: given.Engine = None,
    json: Annotated[
        bool, typer.Option("--json", help="A line of JSON for each record, on standard output.")
    ] = False,
) -> int:
    """Show what has become of a record: its attempts, what its flow has written with `ctx.log`,
    where it failed.

    Of a run started by itself also what became of each node of its graph. What a flow writes is
    there once its run has ended, or waits. Without RECORD every result of the batch is read.
    """
    from fanfold.cli import exits
    from fanfold.cli.numbers import count
    from fanfold.cli.opening import opened_at_home
    from fanfold.cli.terminal import Terminal

    terminal = Terminal()

    def show(told: Told, *, is_first: bool) -> bool:
        if json:
            return terminal.json(_as_json(told))
        return terminal.show(_view(told, is_first=is_first))

    with opened_at_home(engine) as fanfold, ExitStack() as waiting:
        found, index = _meant(fanfold.ports, batch, record)
        records = count(found.known_total, "record")
        waiting.enter_context(terminal.busy(f"reading the results of {records}"))
        number = 0
        for number, told in enumerate(_told_of(fanfold.ports, found, index), 1):
            waiting.close()  # the first has been found
            if not show(told, is_first=number == 1):
                return exits.OK
    if not number and not json:
        terminal.say(f"no record of {found.id} has failed or written anything, of {records}")
    return exits.OK


def _meant(ports: Ports, text: str, record: str | None) -> tuple[Batch, int | None]:
    """None: all of them."""
    from fanfold.cli.opening import find_batch
    from fanfold.domain.ids import place_of_run
    from fanfold.errors import OptionInvalid
    from fanfold.steps.find_run import index_of

    try:
        batch_id, index = place_of_run(text)
    except ValueError:
        batch = find_batch(ports, text)
        if record is None:
            return batch, 0 if batch.single else None
        return batch, index_of(ports, batch, record)
    if record is not None:
        raise OptionInvalid(f"{text} is a run: it has no records. fanfold logs {text}")
    return ports.batches.get(batch_id), index


def _whole(ports: Ports, batch: Batch, index: int) -> Told:
    from fanfold.steps.find_run import log_of, whole_run

    whole = whole_run(ports, batch, index)
    view = whole.view
    entries = tuple(log_of(whole))
    return Told(batch.id, index, view.run_id, whole.key, str(view.state), view.attempts,
                view.seconds, view.error, whole.traceback, entries)  # fmt: skip


def _told_of(ports: Ports, batch: Batch, index: int | None) -> Iterator[Told]:
    from fanfold.steps.find_run import runs_that_tell

    if index is not None:
        yield _whole(ports, batch, index)
        return
    for run in runs_that_tell(ports, batch):
        yield _settled(run)


def _settled(run: Run) -> Told:
    from fanfold.domain.outcome import Failed

    error = None
    if isinstance(run.outcome, Failed):
        error = {"type": run.outcome.failure.type, "message": run.outcome.failure.message}
    entries = tuple((it.code or "log", it) for it in run.log)
    return Told(run.batch_id, run.index, run.run_id, run.key, str(run.state), run.attempts,
                run.seconds, error, run.traceback, entries)  # fmt: skip


def _as_json(told: Told) -> dict[str, Any]:
    import json
    from dataclasses import asdict

    from fanfold.cli.numbers import iso

    shown = asdict(replace(told, entries=()))
    del shown["entries"]
    shown["log"] = [
        {
            "time": iso(it.time),
            "code": code,
            "level": it.level,
            "message": it.message,
            "fields": json.loads(it.fields) if it.fields else None,
        }
        for code, it in told.entries
    ]
    return shown


def _view(told: Told, *, is_first: bool) -> Group:
    from rich.console import Group
    from rich.text import Text

    from fanfold.cli.bar import STYLES
    from fanfold.cli.hanging import hanging
    from fanfold.cli.numbers import cleaned, count, short, span

    title = Text("" if is_first else "\n").append(f"record {told.index}", style="bold")
    if told.key is not None:
        title.append(f" ({short(told.key, 60)})")
    title.append(f" of {told.batch_id}: ").append(told.status, STYLES.get(told.status, ""))
    if told.attempts:
        title.append(f", {count(told.attempts, 'attempt')}, {span(told.seconds)}")
    parts: list[Any] = [title]
    if told.entries:
        parts.append(hanging(_table(told.entries)))
    is_said = any(code == told.status for code, _ in told.entries)
    if told.error is not None and not told.traceback and not is_said:
        parts.append(hanging(Text(cleaned(f"{told.error['type']}: {told.error['message']}"))))
    if told.traceback:
        parts.append(hanging(Text("\n".join(map(cleaned, told.traceback.splitlines())))))
    return Group(*parts)


def _table(entries: Iterable[tuple[str, LogEntry]]) -> Table:
    from rich.table import Table
    from rich.text import Text

    from fanfold.cli.bar import STYLES
    from fanfold.cli.numbers import cleaned, moment

    table = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(2):
        table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for code, it in entries:
        kind = it.level if code == "log" else code.replace("_", " ")
        told = f"{it.message}{_fields(it)}" if code == "log" else it.message
        style = STYLES.get(code) or _LEVELS.get(it.level, "")
        table.add_row(Text(moment(it.time), "bright_black"), Text(kind, style), Text(cleaned(told)))
    return table


def _fields(entry: LogEntry) -> str:
    import json

    if not entry.fields:
        return ""
    fields = json.loads(entry.fields)
    return "".join(f"  {name}={json.dumps(it, ensure_ascii=False)}" for name, it in fields.items())
