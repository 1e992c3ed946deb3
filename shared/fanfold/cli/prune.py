"""`fanfold prune`: remove old batches."""

from __future__ import annotations

from typing import Annotated

import typer

from fanfold.cli import parameters as given
from fanfold.cli.completion import complete_batch_status

EXAMPLE = "fanfold prune --older-than 30d --status completed --dry-run"


def prune(
    older_than: Annotated[
        str, typer.Option(metavar="TIME", help="Those that ended longer ago: 12h, 30d.")
    ],
    status: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STATUS",
            help="Only those that are completed, failed, canceled or expired. May be repeated.",
            autocompletion=complete_batch_status,
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say which; remove nothing.")
    ] = False,
    engine: given.Engine = None,
    json: given.AsJson = False,
) -> int:
    """Remove the records and results of batches that ended long ago.

    Their counts and certificates are kept for a month more, so that a late message or a repeated
    request finds that they have been. Pruning again goes on where it broke off.
    """
    from fanfold.cli import exits
    from fanfold.cli.amounts import seconds_of
    from fanfold.cli.numbers import count
    from fanfold.cli.opening import opened_if_there
    from fanfold.cli.terminal import Terminal
    from fanfold.domain.batch import ENDED, BatchState
    from fanfold.errors import OptionInvalid
    from fanfold.steps.prune import Pruned, prunable
    from fanfold.steps.prune import prune as step

    terminal = Terminal()
    age = seconds_of("--older-than", older_than)
    if unknown := [it for it in status or [] if it not in {str(state) for state in ENDED}]:
        known = ", ".join(sorted(ENDED))
        raise OptionInvalid(f"--status {unknown[0]}: only what has ended is pruned: {known}")
    states = {BatchState(it) for it in status} if status else ENDED
    done = Pruned()
    with opened_if_there(engine) as fanfold:
        if fanfold is not None and dry_run:
            done = Pruned(tuple(it.id for it in prunable(fanfold.ports, age, states)))
        elif fanfold is not None:
            with terminal.busy("pruning"):
                done = step(fanfold.ports, age, states)
    if json:
        terminal.json(
            {"dry_run": dry_run, "pruned": list(done.batches), "forgotten": list(done.forgotten)}
        )
        return exits.OK
    for batch_id in done.batches:
        terminal.data(batch_id)
    what = count(len(done.batches), "batch", "batches")
    terminal.say(f"{what} would be pruned" if dry_run else f"{what} pruned")
    return exits.OK
