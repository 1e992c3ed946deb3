"""`fanfold prune`: remove old batches."""

from __future__ import annotations

from typing import Annotated

import typer

from fanfold.cli import parameters as given
from fanfold.cli.completion import complete_batch_status

EXAMPLE = "fanfold prune --older-than 30d --status completed --dry-run"


def prune(
    older_than: Annotated[
        str, typer.Option(metavar="TIME", help="What ended, or died, longer ago: 12h, 30d.")
    ],
    status: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STATUS",
            help="Only batches that are completed, failed, canceled, expired or skipped, and no "
            "dead letters. May be repeated.",
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
    """Remove the records and results of batches that ended long ago, and old dead letters.

    The batches' counts and certificates are kept for a month more, so that a late message or a
    repeated request finds that they have been. Pruning again goes on where it broke off.
    """
    from fanfold.cli import exits
    from fanfold.cli.amounts import seconds_of
    from fanfold.cli.numbers import count
    from fanfold.cli.opening import opened_if_there
    from fanfold.cli.terminal import Terminal
    from fanfold.domain.batch import ENDED, BatchState
    from fanfold.errors import OptionInvalid
    from fanfold.steps.prune import Pruned, old_letters, prunable
    from fanfold.steps.prune import prune as step

    terminal = Terminal()
    age = seconds_of("--older-than", older_than)
    if unknown := [it for it in status or [] if it not in {str(state) for state in ENDED}]:
        known = ", ".join(sorted(ENDED))
        raise OptionInvalid(f"--status {unknown[0]}: only what has ended is pruned: {known}")
    states = {BatchState(it) for it in status} if status else None
    done = Pruned()
    with opened_if_there(engine) as fanfold:
        if fanfold is not None and dry_run:
            letters = [] if states else old_letters(fanfold.ports, age)
            done = Pruned(
                tuple(it.id for it in prunable(fanfold.ports, age, states or ENDED)),
                letters=tuple(it.id for it in letters),
            )
        elif fanfold is not None:
            with terminal.busy("pruning"):
                done = step(fanfold.ports, age, states)
    if json:
        terminal.json(
            {
                "dry_run": dry_run,
                "pruned": list(done.batches),
                "forgotten": list(done.forgotten),
                "dead_letters": list(done.letters),
            }
        )
        return exits.OK
    for name in (*done.batches, *done.letters):
        terminal.data(name)
    what = count(len(done.batches), "batch", "batches")
    if done.letters:
        what += f" and {count(len(done.letters), 'dead letter')}"
    terminal.say(f"{what} would be pruned" if dry_run else f"{what} pruned")
    return exits.OK
