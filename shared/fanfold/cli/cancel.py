"""`fanfold cancel`: stop a batch for good."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from fanfold.cli import exits
from fanfold.cli import parameters as given
from fanfold.cli.completion import complete_batch
from fanfold.domain.budget import expected_total

if TYPE_CHECKING:
    from fanfold.cli.terminal import Terminal
    from fanfold.steps.status import Status
    from fanfold.wiring import Fanfold

EXAMPLE = "fanfold cancel batch-k3vq --grace 30s"

_LOOK_SECONDS = 0.1


def cancel(
    batch: Annotated[
        str | None,
        typer.Argument(
            metavar="BATCH",
            help="A batch's id, the beginning of one, or `last`.",
            autocompletion=complete_batch,
            show_default=False,
        ),
    ] = None,
    grace: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Let what runs finish for so long, such as 30s: nothing new begins at once.",
            show_default=False,
        ),
    ] = None,
    running_longer_than: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Instead of BATCH: every run of a single record that was begun longer ago than "
            "this, such as 1h.",
            show_default=False,
        ),
    ] = None,
    engine: given.Engine = None,
    json: given.AsJson = False,
) -> int:
    """Stop a batch for good; what is done stays done.

    The rest is canceled. Nothing new starts, running flows are told to stop, and later results are
    refused. Needs no worker. Canceling twice is fine.
    """
    from fanfold.cli.amounts import seconds_of
    from fanfold.cli.opening import opened_at, opened_at_home
    from fanfold.cli.terminal import Terminal
    from fanfold.errors import Conflict, OptionInvalid

    terminal = Terminal()
    patience = None if grace is None else seconds_of("--grace", grace)
    if running_longer_than is not None:
        if batch is not None:
            raise OptionInvalid("--running-longer-than names the runs: leave BATCH out")
        age = seconds_of("--running-longer-than", running_longer_than)
        with opened_at_home(engine) as fanfold:
            return _cancel_old(terminal, fanfold, age, patience, as_json=json)
    if batch is None:
        raise OptionInvalid("which batch? `fanfold cancel last`, or --running-longer-than 1h")
    with opened_at(batch, engine) as (fanfold, found):
        if found.ended and found.state != "canceled":
            raise Conflict(f"{found.id} is {found.state} already: there is nothing left to cancel")
        status = _canceled(terminal, fanfold, found.id, patience)
    _tell(terminal, status, as_json=json)
    return exits.OK


def _cancel_old(
    terminal: Terminal, fanfold: Fanfold, age: float, grace: float | None, *, as_json: bool
) -> int:
    from fanfold.cli.numbers import count
    from fanfold.steps.sweep import open_batches

    now = fanfold.ports.clock.now()
    old = [
        batch.id
        for batch in open_batches(fanfold.ports)
        if batch.is_open
        and expected_total(batch) == 1
        and batch.started_at is not None
        and now - batch.started_at > age
    ]
    for batch_id in old:
        _canceled(terminal, fanfold, batch_id, grace)
    if as_json:
        terminal.json({"canceled": old})
    else:
        terminal.say(f"{count(len(old), 'run')} canceled" + "".join(f"\n{it}" for it in old))
    return exits.OK


def _canceled(terminal: Terminal, fanfold: Fanfold, batch_id: str, grace: float | None) -> Status:
    from fanfold.steps.budget import end_if_done
    from fanfold.steps.status import status_of
    from fanfold.steps.stop import cancel, wind_down

    ports = fanfold.ports
    with terminal.busy(f"canceling {batch_id}"):
        if grace is None:
            cancel(ports, batch_id)
        else:
            batch = wind_down(ports, batch_id, grace)
            while batch.is_open and not end_if_done(ports, batch):
                time.sleep(_LOOK_SECONDS)
                batch = ports.batches.get(batch_id)
        _finalize(fanfold, batch_id)
    return status_of(ports, batch_id)


def _tell(terminal: Terminal, status: Status, *, as_json: bool) -> None:
    from fanfold.cli.report import counted, ending_as_json

    if as_json:
        terminal.json(ending_as_json(status, None))
    else:
        terminal.say(f"{status.batch.id} is {status.batch.state}: {counted(status)}")


def _finalize(fanfold: Fanfold, batch_id: str) -> None:
    """Here, so that it ends without a worker; if a worker is at it already, until that is done."""
    from fanfold.domain.messages import FinalizationMessage
    from fanfold.steps.finalize import finalize

    while not (batch := fanfold.ports.batches.get(batch_id)).ended:
        message = FinalizationMessage(batch_id=batch.id, generation=batch.generation)
        if finalize(fanfold.ports, fanfold.policy, fanfold.library, message):
            time.sleep(_LOOK_SECONDS)
