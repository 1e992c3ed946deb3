"""`fanfold results`: every record's result, in record order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fanfold.cli import parameters as given

if TYPE_CHECKING:
    from fanfold.cli.terminal import Terminal
    from fanfold.folds.result import Result

EXAMPLE = "fanfold results last --status failed | jq -r .error.message"


def results(
    batch: given.BatchName,
    out: Annotated[
        str,
        typer.Option(
            metavar="FILE",
            help="Write them to a file, whole or not at all; - is standard output.",
        ),
    ] = "-",
    status: Annotated[
        str | None,
        typer.Option(
            metavar="STATUS",
            help="Only those that succeeded, failed, canceled, skipped or queued.",
            show_default=False,
        ),
    ] = None,
    engine: given.Engine = None,
) -> int:
    """Write the results as JSON Lines, in record order.

    Each record has its line: {"index", "key", "status", "output", "error"}. One that failed has an
    error instead of an output, and one that is not settled yet is queued.
    """
    from fanfold.cli import exits
    from fanfold.cli.numbers import count
    from fanfold.cli.opening import opened_at
    from fanfold.cli.output_file import STANDARD_OUTPUT, check_out, write_results
    from fanfold.cli.terminal import Terminal
    from fanfold.folds.stream import stream_results

    check_out(out, as_json=False)
    state = None if status is None else _state(status)
    terminal = Terminal()
    with opened_at(batch, engine) as (fanfold, found):
        ports = fanfold.ports
        every = stream_results(ports.runs, ports.batches, ports.blobs, found)
        chosen: Iterator[Result] = (it for it in every if state is None or it.status is state)
        if not found.ended:
            terminal.say(f"{found.id} is {found.state}: these are its results so far")
        with _writing(terminal, out) as on_progress:
            written = write_results(terminal, out, chosen, on_progress)
        if out != STANDARD_OUTPUT:
            terminal.say(f"{out}: {count(written, 'result')}")
    return exits.OK


def _state(text: str) -> Any:
    from fanfold.domain.run import TERMINAL, RunState
    from fanfold.errors import OptionInvalid

    states = {str(state): state for state in RunState if state in TERMINAL or state == "queued"}
    states["cancelled"] = RunState.CANCELED
    if text not in states:
        known = ", ".join(it for it in states if it != "cancelled")
        raise OptionInvalid(f"--status {text}: a result is one of {known}")
    return states[text]


@contextmanager
def _writing(terminal: Terminal, out: str) -> Iterator[Callable[[int], None] | None]:
    """To the terminal itself nothing is shown: there the results are."""
    if out == "-" or not terminal.console.is_terminal:
        yield None
        return
    with terminal.console.status(f"writing {out}") as shown:
        yield lambda written: shown.update(f"writing {out}: {written:,}")
