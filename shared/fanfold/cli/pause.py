"""`fanfold pause` and `fanfold resume`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fanfold.cli import parameters as given

if TYPE_CHECKING:
    from collections.abc import Callable

    from fanfold.domain.batch import Batch
    from fanfold.ports import Ports

PAUSE = "fanfold pause last"
RESUME = "fanfold resume last"


def pause(batch: given.BatchName, engine: given.Engine = None, json: given.AsJson = False) -> int:
    """Begin no further record of a batch, until `fanfold resume`.

    What runs, finishes. Pausing what is paused is fine.
    """
    from fanfold.steps.pause import pause as step

    return _do(step, batch, engine, as_json=json)


def resume(batch: given.BatchName, engine: given.Engine = None, json: given.AsJson = False) -> int:
    """Go on with a batch that was paused.

    It needs somebody who works: `fanfold attach`, `fanfold worker`, or functions.
    """
    from fanfold.steps.pause import resume as step

    return _do(step, batch, engine, as_json=json)


def _do(
    step: Callable[[Ports, str], Batch],
    batch: str,
    engine: given.EngineName | None,
    *,
    as_json: bool,
) -> int:
    from fanfold.cli import exits
    from fanfold.cli.opening import opened_at
    from fanfold.cli.report import counted, status_as_json
    from fanfold.cli.terminal import Terminal
    from fanfold.steps.status import status_of

    terminal = Terminal()
    with opened_at(batch, engine) as (fanfold, found):
        with terminal.busy(f"telling {found.id}"):
            step(fanfold.ports, found.id)
        status = status_of(fanfold.ports, found.id)
    if as_json:
        terminal.json(status_as_json(status, None))
    else:
        terminal.say(f"{found.id} is {status.batch.state}: {counted(status)}")
    return exits.OK
