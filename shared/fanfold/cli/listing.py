"""`fanfold list`: the batches in this home, the newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from fanfold.cli import parameters as given
from fanfold.cli.completion import complete_batch, complete_batch_status, complete_used_flow

if TYPE_CHECKING:
    from rich.table import Table

    from fanfold.steps.status import Status

EXAMPLE = "fanfold list --status running"


_LONG = 200
_STYLES = {
    "completed": "green",
    "failed": "red",
    "running": "yellow",
    **dict.fromkeys(("canceled", "expired", "skipped"), "magenta"),
}


def list_(
    status: Annotated[
        str | None,
        typer.Option(
            metavar="STATUS",
            help="Only those that are pending, running, completed, failed, canceled, …",
            autocompletion=complete_batch_status,
            show_default=False,
        ),
    ] = None,
    flow: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Only those of this flow.",
            autocompletion=complete_used_flow,
            show_default=False,
        ),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="Only those with TEXT in their label.", show_default=False
        ),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TAG",
            help="Only those with this tag. May be repeated: then with all of them.",
            show_default=False,
        ),
    ] = None,
    of: Annotated[
        str | None,
        typer.Option(
            metavar="BATCH",
            help="The batches that runs of this one have made of their items.",
            autocompletion=complete_batch,
            show_default=False,
        ),
    ] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="At most so many.")] = 20,
    engine: given.Engine = None,
    json: given.AsJson = False,
) -> int:
    """List the batches in this home, the newest first."""
    from dataclasses import replace

    from fanfold.cli import exits
    from fanfold.cli.opening import find_batch, opened_if_there
    from fanfold.cli.terminal import Terminal
    from fanfold.steps.find_batches import Wanted, find_batches
    from fanfold.steps.status import status_of

    terminal = Terminal()
    states = None if status is None else [_state(status)]
    wanted = Wanted(flow=flow, label=label, tags=frozenset(tag or []))
    found: list[Status] = []
    with terminal.busy("looking"), opened_if_there(engine) as fanfold:
        if fanfold is not None:
            ports = fanfold.ports
            if of is not None:
                wanted = replace(wanted, parent=find_batch(ports, of).id)
            batches = find_batches(ports.batches, wanted, states, limit).batches
            found = [status_of(ports, batch.id) for batch in batches]
    if json:
        terminal.json({"batches": [_as_json(it) for it in found]})
    elif found:
        terminal.show(_table(found))
    elif wanted.is_any:
        terminal.say(f"no batch is {status} here" if status else "no batches here yet")
    else:
        terminal.say("no batch here is like that: fanfold list shows all there are")
    return exits.OK


def _state(text: str) -> Any:
    from fanfold.domain.batch import BatchState
    from fanfold.errors import OptionInvalid

    try:
        return BatchState("canceled" if text == "cancelled" else text)
    except ValueError:
        known = ", ".join(BatchState)
        raise OptionInvalid(f"--status {text}: a batch is one of {known}") from None


def _as_json(status: Status) -> dict[str, Any]:
    from fanfold.cli.numbers import iso
    from fanfold.cli.report import awaited_as_json, counts_as_json

    batch = status.batch
    return {
        "batch_id": batch.id,
        "flow": batch.flow.shown,
        "status": str(batch.state),
        **counts_as_json(status),
        "seconds": round(status.seconds, 3),
        "label": batch.options.label,
        "tags": batch.options.tags,
        "waits_for": awaited_as_json(status),
        "created_at": iso(batch.created_at),
    }


def _table(found: list[Status]) -> Table:
    """The flow and the label give way in a narrow terminal."""
    from rich.table import Table
    from rich.text import Text

    from fanfold.cli.numbers import brief, short

    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("BATCH", no_wrap=True, min_width=len(found[0].batch.id))
    table.add_column("FLOW")
    table.add_column("STATUS", no_wrap=True)
    for name in ("RECORDS", "OK", "FAILED", "TIME"):
        table.add_column(name, justify="right", no_wrap=True)
    labelled = any(it.batch.options.label for it in found)
    if labelled:
        table.add_column("LABEL")
    some_wait = any(it.waits_for for it in found)
    if some_wait:
        table.add_column("WAITS FOR")

    def giving_way(text: str) -> Text:
        return Text(short(text, _LONG), no_wrap=True, overflow="ellipsis")

    for it in found:
        row: list[str | Text] = [
            it.batch.id,
            giving_way(it.batch.flow.shown),
            Text(it.batch.state, style=_STYLES.get(it.batch.state, "")),
            f"{it.counts.total:,}" + ("" if it.batch.sealed else "+"),
            f"{it.counts.succeeded:,}",
            f"{it.counts.failed:,}",
            brief(it.seconds),
        ]
        if labelled:
            row.append(giving_way(it.batch.options.label or ""))
        if some_wait:
            row.append(giving_way(", ".join(other.id for other in it.waits_for)))
        table.add_row(*row)
    return table
