"""`fanfold errors`: what failed, the same failures together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fanfold.cli import parameters as given

if TYPE_CHECKING:
    from rich.console import Group

    from fanfold.domain.tally import ErrorGroup
    from fanfold.folds.result import Result
    from fanfold.ports import Ports
    from fanfold.steps.status import Status

EXAMPLE = "fanfold errors last --list 3fa9c1d2e0"

#: of one example
_LINES = 4


def errors(
    batch: given.BatchName,
    list: Annotated[  # noqa: A002  it is what one types
        str | None,
        typer.Option(
            metavar="FINGERPRINT",
            help="The records of one group, as JSON Lines; the beginning is enough.",
            show_default=False,
        ),
    ] = None,
    engine: given.Engine = None,
    json: given.AsJson = False,
) -> int:
    """Show a batch's failures, the same ones together.

    The most frequent first, each group with its fingerprint, its pattern and an example.
    """
    from fanfold.cli import exits
    from fanfold.cli.opening import opened_at
    from fanfold.cli.report import groups_of
    from fanfold.cli.terminal import Terminal
    from fanfold.steps.status import status_of

    terminal = Terminal()
    with opened_at(batch, engine) as (fanfold, found):
        status = status_of(fanfold.ports, found.id)
        groups = groups_of(status)
        if list is not None:
            group = _group(groups, list)
            for result in _members(fanfold.ports, status, group, groups):
                if not terminal.data(result.line()):
                    break
            return exits.OK
        keys = _keys(fanfold.ports, found.id, groups)
    if json:
        terminal.json(_as_json(status, groups, keys))
    elif groups:
        terminal.show(_view(status, groups, keys, given.flag_of(engine), terminal.columns))
    else:
        terminal.say(f"no record of {found.id} has failed")
    return exits.OK


def _group(groups: list[ErrorGroup], text: str) -> ErrorGroup:
    from fanfold.errors import OptionInvalid

    found = [it for it in groups if it.fingerprint.startswith(text)]
    if len(found) == 1 and text:
        return found[0]
    known = ", ".join(it.fingerprint for it in groups) or "none"
    raise OptionInvalid(f"--list {text}: name one of its groups of failures: {known}")


def _members(
    ports: Ports, status: Status, group: ErrorGroup, groups: list[ErrorGroup]
) -> Iterator[Result]:
    """Those with the group's fingerprint; of `other`, those with no group's."""
    from fanfold.domain.fingerprint import fingerprint_of
    from fanfold.domain.tally import OTHER
    from fanfold.folds.stream import stream_results

    named = {it.fingerprint for it in groups}
    for result in stream_results(ports.runs, ports.batches, ports.blobs, status.batch):
        if result.status != "failed" or result.error is None:
            continue
        fingerprint = fingerprint_of(result.error["type"], result.error["message"])
        if group.fingerprint == (fingerprint if fingerprint in named else OTHER):
            yield result


def _keys(ports: Ports, batch_id: str, groups: list[ErrorGroup]) -> dict[int, str | None]:
    runs = ports.runs.read(batch_id, [it.example_index for it in groups])
    return {index: run.key for index, run in runs.items()}


def _as_json(
    status: Status, groups: list[ErrorGroup], keys: dict[int, str | None]
) -> dict[str, Any]:
    from fanfold.cli.report import group_as_json

    return {
        "batch_id": status.batch.id,
        "failed": status.counts.failed,
        "errors": [
            {**group_as_json(it), "example_key": keys.get(it.example_index)} for it in groups
        ],
    }


def _view(
    status: Status, groups: list[ErrorGroup], keys: dict[int, str | None], flag: str, width: int
) -> Group:
    from rich.console import Group, RenderableType
    from rich.text import Text

    from fanfold.cli.hanging import hanging
    from fanfold.cli.numbers import TIMES, count, short

    counts, batch = status.counts, status.batch
    head = f"{counts.failed:,} of {count(counts.total, 'record')} of {batch.id} failed, "
    shown: list[RenderableType] = [Text(head + f"in {count(len(groups), 'group')}:")]
    for it in groups:
        what = f"{it.type}: {it.pattern}" if it.pattern else "all other failures"
        key = keys.get(it.example_index)
        place = f"record {it.example_index}" + ("" if key is None else f" ({short(key, 30)})")
        title = Text(f"\n{it.fingerprint}", style="bold").append(f"  {it.count:,} {TIMES} ", "red")
        shown.append(title.append(short(what, width - len(title.plain))))
        example = Text(f"such as {place}: {short(it.example, _LINES * (width - 2))}")
        shown.append(hanging(example))
    them = f"fanfold errors {batch.id}{flag} --list FINGERPRINT"
    shown.append(Text(f"\nThe records of a group: {them}"))
    shown.append(Text(f"A record's log, and where it failed: fanfold logs {batch.id} RECORD{flag}"))
    return Group(*shown)
