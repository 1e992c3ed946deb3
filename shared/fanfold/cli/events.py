"""`fanfold events`: what has happened to a batch."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from fanfold.cli import parameters as given

if TYPE_CHECKING:
    from fanfold.cli.terminal import Terminal
    from fanfold.domain.event import Event
    from fanfold.domain.tally import Counts

EXAMPLE = "fanfold events last --follow"

_STYLES = {
    "first_failure": "red",
    "completed": "green",
    "failed": "red",
    "canceled": "magenta",
    "expired": "magenta",
    "skipped": "magenta",
}


def events(
    batch: given.BatchName,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on as they come, until the batch has ended.")
    ] = False,
    after: Annotated[
        int,
        typer.Option(
            metavar="N", min=0, help="Only those behind number N: what you have seen already."
        ),
    ] = 0,
    engine: given.Engine = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print each as a line of JSON, on standard output.")
    ] = False,
) -> int:
    """Show what has happened to a batch: started, progress, the first failure, and how it ended.

    Each has a number, the same here, in callbacks and on the topic. Of progress only the last is
    kept. See docs/events.md.
    """
    from fanfold.cli import exits
    from fanfold.cli.interrupts import Interrupts
    from fanfold.cli.opening import opened_at
    from fanfold.cli.pace import look_seconds
    from fanfold.cli.terminal import Terminal

    terminal = Terminal()
    with opened_at(batch, engine) as (fanfold, found):
        if not follow:
            known = [it for it in found.events if it.sequence > after]
            for event in known:
                _show(terminal, event, as_json=json)
            if not known:
                terminal.warn(f"fanfold: {_none_yet(after)} {found.id}")
            return exits.OK
        with Interrupts() as interrupts:
            seen = after
            while True:
                current = fanfold.ports.batches.get(found.id)
                for event in current.events:
                    if event.sequence > seen:
                        seen = event.sequence
                        _show(terminal, event, as_json=json)
                if current.ended or terminal.is_closed:
                    return exits.OK
                if interrupts.within(look_seconds(fanfold)):
                    again = f"fanfold events {found.id} --follow --after {seen}"
                    flag = given.flag_of(engine)
                    terminal.warn(f"fanfold: it goes on without you. Go on: {again}{flag}")
                    return exits.INTERRUPTED


def _none_yet(after: int) -> str:
    return f"nothing behind number {after} has happened to" if after else "nothing has happened to"


def _show(terminal: Terminal, event: Event, *, as_json: bool) -> None:
    from fanfold.domain.event import event_to_json

    if as_json:
        terminal.data_bytes(f"{event_to_json(event)}\n".encode())
        return
    from rich.text import Text

    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(event.at))
    kind = str(event.kind)
    line = Text(f"{event.sequence:>4}  {at}  ")
    line.append(f"{kind.replace('_', ' '):<14}", _STYLES.get(kind, ""))
    line.append(_said(event))
    line.rstrip()
    terminal.show(line)


def _said(event: Event) -> str:
    from fanfold.domain.event import EventKind

    detail = event.detail
    match event.kind:
        case EventKind.STARTED:
            again = detail.get("retry_of")
            return f"generation {event.generation}: {again} again" if again else event.flow
        case EventKind.FIRST_FAILURE:
            key = f" ({detail['key']})" if detail.get("key") is not None else ""
            text = " ".join(str(detail.get("message", "")).split())
            return f"record {detail.get('record')}{key}: {detail.get('type')}: {text}"
        case EventKind.PROGRESS:
            return _counted(event.counts)
        case _:
            reason = detail.get("reason")
            return _counted(event.counts) + (f": {reason}" if reason else "")


def _counted(counts: Counts | None) -> str:
    if counts is None:
        return ""
    parts = [f"{counts.settled:,} of {counts.total:,} records"]
    others = {"failed": counts.failed, "canceled": counts.canceled, "skipped": counts.skipped}
    parts += [f"{number:,} {name}" for name, number in others.items() if number]
    return ", ".join(parts)
