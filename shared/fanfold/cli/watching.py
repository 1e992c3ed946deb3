"""Watch a batch that others work on, until it has ended or somebody interrupts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fanfold.cli.display import display_for
from fanfold.cli.log_lines import show_log
from fanfold.cli.pace import look_seconds
from fanfold.cli.seen import status_again
from fanfold.errors import EngineError

if TYPE_CHECKING:
    from fanfold.cli.elsewhere import Elsewhere
    from fanfold.cli.interrupts import Interrupts
    from fanfold.cli.terminal import Terminal
    from fanfold.domain.batch import Batch
    from fanfold.wiring import Fanfold


def watch(
    fanfold: Fanfold,
    terminal: Terminal,
    batch: Batch,
    elsewhere: Elsewhere,
    interrupts: Interrupts,
    *,
    verbose: bool,
) -> None:
    terminal.say(f"fanfold: {batch.id} of {batch.flow.shown}, {elsewhere.who}")
    with display_for(terminal) as display:
        show_log(display.say, verbose=verbose)
        while not interrupts.count:
            elsewhere.tend()
            try:
                status = status_again(fanfold, batch.id)
            except EngineError:
                elsewhere.tend()  # says so if they are gone, which is the better reason
                raise
            display.show(status)
            if status.batch.rests:
                break
            interrupts.within(look_seconds(fanfold))
    show_log(terminal.warn, verbose=verbose)
