"""`fanfold retry`: run some records of a batch again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from fanfold.cli import parameters as given
from fanfold.cli import source_parameters as sources
from fanfold.cli import work_parameters as work

if TYPE_CHECKING:
    from fanfold.domain.batch import Batch
    from fanfold.domain.flow import FlowRef
    from fanfold.execution.library import Library

EXAMPLE = "fanfold retry last --failed"
_WHICH = "Which records"


def retry(
    batch: given.BatchName,
    failed: Annotated[
        bool, typer.Option("--failed", help="Those that failed.", rich_help_panel=_WHICH)
    ] = False,
    error: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FINGERPRINT",
            help="Those that failed so, as `fanfold errors` names it. May be repeated.",
            rich_help_panel=_WHICH,
            show_default=False,
        ),
    ] = None,
    canceled: Annotated[
        bool, typer.Option("--canceled", help="Those canceled.", rich_help_panel=_WHICH)
    ] = False,
    skipped: Annotated[
        bool, typer.Option("--skipped", help="Those skipped.", rich_help_panel=_WHICH)
    ] = False,
    ids: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Those whose index or key is a line of it; `-` is standard input.",
            rich_help_panel=_WHICH,
            show_default=False,
        ),
    ] = None,
    where: Annotated[
        str | None,
        typer.Option(
            metavar="CONDITION",
            help='Those it holds for: "attempts > 2", "output[\'score\'] < 0.5". Also with index, '
            "key, status, seconds, error, type, fingerprint, version.",
            rich_help_panel=_WHICH,
            show_default=False,
        ),
    ] = None,
    param: sources.Param = None,
    concurrency: work.Concurrency = None,
    rate: work.Rate = None,
    max_failures: work.MaxFailures = None,
    max_spend: work.MaxSpend = None,
    canary: work.Canary = None,
    deadline: work.Deadline = None,
    same_version: Annotated[
        bool,
        typer.Option(
            "--same-version", help="Refuse if the flow's code is not what the batch ran with."
        ),
    ] = False,
    engine: given.Engine = None,
    json: given.AsJson = False,
) -> int:
    """Run some records of a batch that has ended again, with today's code.

    The results of the others are kept, and the fold is called again. With --ids or --where besides
    others only what all of them name. It may be done again and again.

    It needs somebody who works: `fanfold attach`, `fanfold worker`, or functions.
    """
    from fanfold.cli import exits
    from fanfold.cli.amounts import failures_of, seconds_of
    from fanfold.cli.numbers import count
    from fanfold.cli.opening import opened_at
    from fanfold.cli.pairs import parameters_from
    from fanfold.cli.selecting import Wanted, selection_of
    from fanfold.cli.terminal import Terminal
    from fanfold.steps.retry import retry as step

    terminal = Terminal()
    wanted = Wanted(failed, tuple(error or ()), canceled, skipped, ids, where)
    numbers = {"concurrency": concurrency, "rate": rate, "max_spend": max_spend, "canary": canary}
    changes: dict[str, Any] = {name: it for name, it in numbers.items() if it is not None}
    if max_failures is not None:
        changes |= {"max_failures": failures_of(max_failures), "error_policy": "continue"}
    if deadline is not None:
        changes["deadline"] = seconds_of("--deadline", deadline)
    with opened_at(batch, engine) as (fanfold, found):
        if param:
            own = parameters_from(None, param)
            changes["parameters"] = {**found.options.parameters, **own}
        flow = _todays(fanfold.library, found, same_version=same_version)
        with terminal.busy(f"choosing of {count(found.known_total, 'record')}"):
            selection = selection_of(fanfold.ports, found, wanted)
            retried = step(fanfold.ports, found.id, selection, changes, flow)
    if json:
        terminal.json(
            {
                "batch_id": found.id,
                "retried": retried.records,
                "generation": retried.batch.generation,
                "status": retried.batch.state,
                "flow_version": retried.batch.flow.version,
            }
        )
    elif not retried.records:
        terminal.say(f"{found.id} is as it was: there is no such record")
    else:
        records = count(retried.records, "record")
        terminal.say(
            f"{found.id}: {records} to run again, generation {retried.batch.generation}. "
            f"`fanfold attach {found.id}` works on it"
        )
    return exits.OK


def _todays(library: Library, batch: Batch, *, same_version: bool) -> FlowRef | None:
    """The flow as it is here today; None where it is not here, and workers find theirs."""
    from dataclasses import replace

    from fanfold.errors import Conflict, UsageError

    try:
        flow = library.resolve(batch.flow)
    except UsageError:
        if same_version:
            raise
        return None
    if same_version and flow.version != batch.flow.version:
        raise Conflict(
            f"flow {flow.name} has changed since {batch.id} ran: it was version "
            f"{batch.flow.version}, and is {flow.version}. Without --same-version today's is run"
        )
    return replace(batch.flow, version=flow.version, folds=flow.fold is not None)
