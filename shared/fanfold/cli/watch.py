"""`fanfold watch`: a live page of one batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from fanfold.cli import parameters as given

if TYPE_CHECKING:
    from rich.console import Group

    from fanfold.cli.sight import Sight, Sights
    from fanfold.cli.terminal import Terminal

EXAMPLE = "fanfold watch last"

_LOOK_SECONDS = 0.3
#: On Firestore each look is billed.
_BILLED_LOOK_SECONDS = 1.0


def watch(
    batch: given.BatchName,
    once: Annotated[bool, typer.Option("--once", help="Show how it is now, and end.")] = False,
    engine: given.Engine = None,
    json: given.AsJson = False,
) -> int:
    """Watch a batch, live: its counts, speed, durations, slowest runs and failures.

    It only looks. It ends when the batch does, with an exit code that says how; Ctrl-C leaves the
    batch running. With --json, and where there is no terminal, it looks once and exits with 0.
    """
    from fanfold.cli import exits
    from fanfold.cli.opening import opened_at
    from fanfold.cli.sight import Sights
    from fanfold.cli.sight_json import sight_as_json
    from fanfold.cli.slowest import Slowest
    from fanfold.cli.terminal import Terminal

    terminal = Terminal()
    with (
        opened_at(batch, engine) as (fanfold, found),
        Slowest(fanfold.ports.runs, found.id) as slowest,
    ):
        sights = Sights(fanfold, found.id, slowest)
        if json or once or not terminal.is_live:
            with terminal.busy("looking"):
                sight = sights.look(once=True)
            if json:
                terminal.json(sight_as_json(sight))
            else:
                terminal.show(_page(sight, terminal))
            return exits.OK
        billed = fanfold.settings.engine == "google"
        sight = _watched(terminal, sights, _BILLED_LOOK_SECONDS if billed else _LOOK_SECONDS)
    terminal.show(_page(sight, terminal))
    if not sight.status.batch.ended:
        again = f"fanfold watch {found.id}{given.flag_of(engine)}"
        terminal.warn(f"fanfold: it goes on without you. Watch it again: {again}")
        return exits.INTERRUPTED
    return exits.code_of(sight.status)


def _watched(terminal: Terminal, sights: Sights, every: float) -> Sight:
    """Redrawn on a screen of its own, until the batch has ended or somebody interrupts; the last
    sight. What is logged meanwhile is said afterwards."""
    from rich.live import Live

    from fanfold.cli.interrupts import Interrupts
    from fanfold.cli.log_lines import show_log

    logged: list[str] = []
    show_log(logged.append)
    live = Live(
        console=terminal.screen,
        screen=True,
        auto_refresh=False,
        redirect_stdout=False,
        redirect_stderr=False,
        vertical_overflow="crop",
    )
    try:
        with Interrupts() as interrupts, live:
            while True:
                sight = sights.look()
                live.update(_page(sight, terminal, terminal.screen.height), refresh=True)
                if sight.status.batch.ended or interrupts.within(every):
                    return sight
    finally:
        show_log(terminal.warn)
        for line in logged:
            terminal.warn(line)


def _page(sight: Sight, terminal: Terminal, height: int | None = None) -> Group:
    from rich.console import Group

    from fanfold.cli.page import page_of

    return Group(*page_of(sight, terminal.columns - 1, height, plain=terminal.is_plain))
