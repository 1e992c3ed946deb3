"""`fanfold fold`: call a fold again on the results of a batch that has ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from fanfold.cli import parameters as given

if TYPE_CHECKING:
    from fanfold.cli.terminal import Terminal

EXAMPLE = "fanfold fold last --with count-by:label"

#: what is done sooner shows no progress
_QUIET_SECONDS = 1.0
#: between two lines where there is no terminal
_LINE_SECONDS = 5.0


def fold(
    batch: given.BatchName,
    with_: Annotated[
        str | None,
        typer.Option(
            "--with",
            metavar="FOLD",
            help="Another fold: collect, merge, count-by:PLACE (a field of the output, such as "
            "count-by:label), total:PLACE, mean:PLACE, top:N:PLACE, bottom:N:PLACE, "
            "histogram:0,10,100:PLACE, or flows.py:function. What it makes is printed and not "
            "stored.",
            show_default=False,
        ),
    ] = None,
    save: Annotated[
        bool, typer.Option("--save", help="Store what --with makes as the batch's output.")
    ] = False,
    engine: given.Engine = None,
    json: given.AsJson = False,
) -> int:
    """Call a batch's fold again, as the flow has it today, and store what it makes.

    For a fold that failed and is mended, or that is to make something else: no record is run again.
    A batch whose fold had failed becomes completed. If the fold fails, nothing is changed.
    """
    from json import loads

    from fanfold.cli import exits
    from fanfold.cli.fold_choice import fold_named
    from fanfold.cli.opening import opened_at
    from fanfold.cli.report import ending_as_json
    from fanfold.cli.terminal import Terminal, hearing_user_code
    from fanfold.errors import OptionInvalid
    from fanfold.steps.fold_again import fold_again, fold_of, try_fold
    from fanfold.steps.status import status_of

    if save and with_ is None:
        raise OptionInvalid("--save is for --with: without it the flow's own fold is stored anyway")
    terminal = Terminal()
    stores = with_ is None or save
    with opened_at(batch, engine) as (fanfold, found):
        with hearing_user_code(), _folding(terminal, found.known_total) as on_result:
            chosen = fold_of(fanfold.library, found.flow) if with_ is None else fold_named(with_)
            if stores:
                _, text = fold_again(fanfold.ports, found, chosen, on_result)
            else:
                text = try_fold(fanfold.ports, found, chosen, on_result)
        status = status_of(fanfold.ports, found.id)
    output = loads(text)
    if json:
        terminal.json({**ending_as_json(status, output), "stored": stores})
    else:
        terminal.json(output, indent=2)
    if not stores:
        return exits.OK
    terminal.say(f"{found.id} is {status.batch.state}, with this as its output")
    return exits.code_of(status)


@contextmanager
def _folding(terminal: Terminal, total: int) -> Iterator[Callable[[int], None]]:
    """Tells how far it is, once it has taken a second."""
    import time

    begun = said = time.monotonic()
    live = terminal.console.status("folding") if terminal.console.is_terminal else None
    shown = False

    def on_result(count: int) -> None:
        nonlocal said, shown
        now = time.monotonic()
        if now - begun < _QUIET_SECONDS:
            return
        text = f"folding: {count:,} of {total:,} results"
        if live is not None:
            if not shown:
                live.start()
                shown = True
            if now - said >= 0.1:
                said = now
                live.update(text)
        elif now - said >= _LINE_SECONDS:
            said = now
            terminal.say(f"fanfold: {text}")

    try:
        yield on_result
    finally:
        if live is not None:
            live.stop()
