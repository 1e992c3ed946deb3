"""`fanfold wait`: until a batch has ended, worked on elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from fanfold.cli import parameters as given

if TYPE_CHECKING:
    from fanfold.cli.terminal import Terminal
    from fanfold.steps.status import Status
    from fanfold.wiring import Fanfold

EXAMPLE = "fanfold wait last --timeout 600"

#: Of nothing happening, until it is worth saying that perhaps nobody works.
_QUIET_SECONDS = 5.0


def wait(
    batch: given.BatchName,
    timeout: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=0,
            help="Wait so long at most; then exit with 1. Default: for ever.",
            show_default=False,
        ),
    ] = None,
    engine: given.Engine = None,
    json: given.ReportAsJson = False,
    strict: given.Strict = False,
    quiet: given.Quiet = False,
) -> int:
    """Wait until a batch has ended; the exit code says how it did. One that its canary has paused
    is not waited for: that is 1.

    It does not work on the batch: that is for workers elsewhere, or for `fanfold attach`.
    """
    from fanfold.cli import exits
    from fanfold.cli.held import tell_held
    from fanfold.cli.numbers import duration
    from fanfold.cli.opening import opened_at
    from fanfold.cli.report import counted, ending_as_json, output_of, summary
    from fanfold.cli.terminal import Terminal

    terminal = Terminal(quiet=quiet)
    with opened_at(batch, engine) as (fanfold, found):
        flag = given.flag_of(engine)
        attach = f"fanfold attach {found.id}{flag}"
        status = _wait(fanfold, found.id, timeout, terminal, attach)
        ended = status.batch.ended
        if json:
            terminal.json(ending_as_json(status, output_of(fanfold.ports, status.batch)))
        if status.batch.is_held:
            tell_held(terminal, status, lambda it, of: f"fanfold {it} {of}{flag}")
            return exits.FAILED
        if not ended:
            terminal.warn(
                f"fanfold: {found.id} is still {status.batch.state} after waiting "
                f"{duration(timeout or 0.0)}: {counted(status)}"
            )
            return exits.FAILED
        for line in summary(status, terminal.console.width):
            terminal.say(line)
        return exits.code_of(status, strict=strict)


def _wait(
    fanfold: Fanfold, batch_id: str, timeout: float | None, terminal: Terminal, attach: str
) -> Status:
    """Its status, ended or out of time."""
    from fanfold.cli.display import display_for
    from fanfold.cli.pace import look_seconds
    from fanfold.cli.report import reason_of
    from fanfold.cli.seen import status_again

    begun = moved = time.monotonic()
    before, hinted = None, False
    with display_for(terminal) as display:
        while True:
            status = status_again(fanfold, batch_id)
            now = time.monotonic()
            left = float("inf") if timeout is None else begun + timeout - now
            if status.batch.rests or left <= 0:
                return status
            display.show(status)
            seen = (status.batch.state, status.counts)
            if seen != before:
                before, moved = seen, now
            if not hinted and now - moved >= _QUIET_SECONDS and not status.counts.running:
                hinted = True
                if not terminal.quiet:
                    why = reason_of(status) if status.waits_for else f"Is there a worker? {attach}"
                    display.say(f"fanfold: nothing has moved for {_QUIET_SECONDS:g} s. {why}")
            time.sleep(max(0.0, min(look_seconds(fanfold), left)))
