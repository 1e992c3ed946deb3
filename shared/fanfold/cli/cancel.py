"""`fanfold cancel`: stop a batch for good."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from fanfold.cli import parameters as given

if TYPE_CHECKING:
    from fanfold.wiring import Fanfold

EXAMPLE = "fanfold cancel batch-k3vq"

_LOOK_SECONDS = 0.1


def cancel(batch: given.BatchName, engine: given.Engine = None, json: given.AsJson = False) -> int:
    """Stop a batch for good; what is done stays done.

    The rest is canceled. Nothing new starts, running flows are told to stop, and later results are
    refused. Needs no worker. Canceling twice is fine.
    """
    from fanfold.cli import exits
    from fanfold.cli.opening import opened_at
    from fanfold.cli.report import counted, ending_as_json
    from fanfold.cli.terminal import Terminal
    from fanfold.errors import Conflict
    from fanfold.steps.status import status_of
    from fanfold.steps.stop import cancel as stop

    terminal = Terminal()
    with opened_at(batch, engine) as (fanfold, found):
        if found.ended and found.state != "canceled":
            raise Conflict(f"{found.id} is {found.state} already: there is nothing left to cancel")
        with terminal.busy(f"canceling {found.id}"):
            stop(fanfold.ports, found.id)
            _finalize(fanfold, found.id)
        status = status_of(fanfold.ports, found.id)
    if json:
        terminal.json(ending_as_json(status, None))
    else:
        terminal.say(f"{found.id} is {status.batch.state}: {counted(status)}")
    return exits.OK


def _finalize(fanfold: Fanfold, batch_id: str) -> None:
    """Here, so that it ends without a worker; if a worker is at it already, until that is done."""
    from fanfold.domain.messages import FinalizationMessage
    from fanfold.steps.finalize import finalize

    while not (batch := fanfold.ports.batches.get(batch_id)).ended:
        message = FinalizationMessage(batch_id=batch.id, generation=batch.generation)
        if finalize(fanfold.ports, fanfold.policy, fanfold.library, message):
            time.sleep(_LOOK_SECONDS)
