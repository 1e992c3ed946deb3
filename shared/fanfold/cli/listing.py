"""`fanfold list`: the batches in this home, the newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from fanfold.cli import parameters as given

if TYPE_CHECKING:
    from rich.table import Table

    from fanfold.steps.status import Status

EXAMPLE = "fanfold list --status running"


def list_(
    status: Annotated[
        str | None,
        typer.Option(
            metavar="STATUS",
            help="Only those that are pending, running, completed, failed, canceled, …",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="At most so many.")] = 20,
    engine: given.Engine = None,
    json: given.AsJson = False,
) -> int:
    """List the batches in this home, the newest first."""
    from fanfold.cli import exits
    from fanfold.cli.opening import opened_if_there
    from fanfold.cli.terminal import Terminal
    from fanfold.steps.status import status_of

    terminal = Terminal()
    states = None if status is None else [_state(status)]
    found: list[Status] = []
    with opened_if_there(engine) as fanfold:
        if fanfold is not None:
            batches = fanfold.ports.batches.find(states, limit)
            found = [status_of(fanfold.ports, batch.id) for batch in batches]
    if json:
        terminal.json({"batches": [_as_json(it) for it in found]})
    elif found:
        terminal.show(_table(found))
    else:
        terminal.say(f"no batch is {status} here" if status else "no batches here yet")
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
    from fanfold.cli.report import counts_as_json

    batch = status.batch
    return {
        "batch_id": batch.id,
        "flow": batch.flow.name,
        "status": str(batch.state),
        **counts_as_json(status),
        "seconds": round(status.seconds, 3),
        "label": batch.options.label,
        "created_at": iso(batch.created_at),
    }


def _table(found: list[Status]) -> Table:
    from rich.table import Table
    from rich.text import Text

    from fanfold.cli.numbers import brief

    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("BATCH", no_wrap=True)
    table.add_column("FLOW")  # it and the label give way in a narrow terminal
    table.add_column("STATUS", no_wrap=True)
    for name in ("RECORDS", "OK", "FAILED", "TIME"):
        table.add_column(name, justify="right", no_wrap=True)
    labelled = any(it.batch.options.label for it in found)
    if labelled:
        table.add_column("LABEL")
    for it in found:
        row: list[str | Text] = [
            it.batch.id,
            Text(it.batch.flow.name, no_wrap=True, overflow="ellipsis"),
            str(it.batch.state),
            f"{it.counts.total:,}" + ("" if it.batch.sealed else "+"),
            f"{it.counts.succeeded:,}",
            f"{it.counts.failed:,}",
            brief(it.seconds),
        ]
        label = Text(it.batch.options.label or "", no_wrap=True, overflow="ellipsis")
        table.add_row(*row, *([label] if labelled else []))
    return table
