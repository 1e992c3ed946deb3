"""`fanfold dead-letters`: look at what could not be delivered, and bring it back."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, assert_never

import typer

from fanfold.cli import parameters as given
from fanfold.cli.completion import complete_batch, complete_letter

if TYPE_CHECKING:
    from rich.table import Table

    from fanfold.cli.terminal import Terminal
    from fanfold.domain.letter import Letter
    from fanfold.ports import Ports

EXAMPLE = "fanfold dead-letters show last"

_LONG = 200
#: letters that are looked through at once for the beginning of an id
_PAGE = 100
_NAME = 9


class Action(StrEnum):
    LIST = "list"
    SHOW = "show"
    RESURRECT = "resurrect"


def dead_letters(
    action: Annotated[
        Action,
        typer.Argument(help="List them, show one, or resurrect one.", metavar="ACTION"),
    ] = Action.LIST,
    letter: Annotated[
        str | None,
        typer.Argument(
            metavar="ID",
            help="Which one to show or to resurrect: its id, the beginning of it, or `last`.",
            autocompletion=complete_letter,
            show_default=False,
        ),
    ] = None,
    batch: Annotated[
        str | None,
        typer.Option(
            metavar="BATCH",
            help="List only those of this batch.",
            autocompletion=complete_batch,
            show_default=False,
        ),
    ] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="List at most so many.")] = 20,
    engine: given.Engine = None,
    json: given.AsJson = False,
) -> int:
    """Look at messages that could not be delivered, and bring one back.

    A message that cannot be read, or was delivered 20 times in vain, becomes a dead letter; a
    record that was still to be run has failed by it. `list` lists them, the newest first; `show
    ID` shows all of one; `resurrect ID` publishes it again, where that is not too late.
    """
    from fanfold.cli.opening import opened_if_there
    from fanfold.cli.terminal import Terminal
    from fanfold.errors import LetterNotFound, OptionInvalid

    terminal = Terminal()
    if action is Action.LIST and letter is not None:
        raise OptionInvalid(f"{letter}: list takes no ID. `fanfold dead-letters show ID` shows one")
    if action is not Action.LIST and letter is None:
        raise OptionInvalid(f"which one? `fanfold dead-letters {action} ID`, or `last`")
    if action is not Action.LIST and batch is not None:
        raise OptionInvalid("--batch is for `fanfold dead-letters list`: an ID names one letter")
    with opened_if_there(engine) as fanfold:
        ports = None if fanfold is None else fanfold.ports
        if action is Action.LIST:
            return _list(terminal, ports, batch, limit, as_json=json)
        if ports is None:
            raise LetterNotFound("there are no dead letters here: there is nothing here yet")
        found = _find(ports, letter or "")
        if action is Action.SHOW:
            return _show(terminal, ports, found, as_json=json)
        if action is Action.RESURRECT:
            return _resurrect(terminal, ports, found, given.flag_of(engine), as_json=json)
        assert_never(action)


def _list(
    terminal: Terminal, ports: Ports | None, batch: str | None, limit: int, *, as_json: bool
) -> int:
    from fanfold.cli import exits
    from fanfold.cli.opening import find_batch

    found: list[Letter] = []
    now = 0.0
    if ports is not None:
        batch_id = None if batch is None else find_batch(ports, batch).id
        found, now = ports.letters.find(batch_id, limit), ports.clock.now()
    if as_json:
        terminal.json({"letters": [_as_json(it) for it in found]})
    elif found:
        terminal.show(table_of(found, now))
    else:
        terminal.say("no dead letters here" if batch is None else f"no dead letters of {batch}")
    return exits.OK


def _show(terminal: Terminal, ports: Ports, letter: Letter, *, as_json: bool) -> int:
    from fanfold.cli import exits
    from fanfold.steps.letters import body_of

    body = body_of(ports, letter)
    text = _text_of(body)
    if as_json:
        shown = {"body_base64": b64encode(body).decode()} if text is None else {"body": text}
        terminal.json({**_as_json(letter), **shown})
    else:
        for line in _facts(letter):
            terminal.data(line)
        shown_text = repr(body)[2:-1] if text is None else text
        terminal.data("\n" + _harmless(shown_text))
    return exits.OK


def _resurrect(
    terminal: Terminal, ports: Ports, letter: Letter, flag: str, *, as_json: bool
) -> int:
    from fanfold.cli import exits
    from fanfold.cli.numbers import moment
    from fanfold.steps.resurrect import resurrect

    done = resurrect(ports, letter.id)
    if as_json:
        terminal.json({**_as_json(done.letter), "resurrected_before": done.before})
    elif done.before:
        terminal.say(
            f"{letter.id} was brought back already, at {moment(done.letter.resurrected_at or 0)}: "
            "nothing was published. Should it have died again, it is a new letter: "
            f"fanfold dead-letters{flag}"
        )
    else:
        terminal.say(
            f"{letter.id} is published again, for {letter.origin}. Whoever works takes it up: "
            f"fanfold worker{flag}, or functions"
        )
    return exits.OK


def _find(ports: Ports, text: str) -> Letter:
    """By its id, by the beginning of it that no other one has, or `last`."""
    from fanfold.cli.opening import LAST
    from fanfold.domain.letter import ID_CHARACTERS, PREFIX
    from fanfold.errors import LetterNotFound

    listed = "`fanfold dead-letters` lists the newest."
    if text == LAST:
        if newest := ports.letters.find(limit=1):
            return newest[0]
        raise LetterNotFound("there are no dead letters here")
    name = text if text.startswith(PREFIX) else PREFIX + text
    if len(name) == len(PREFIX) + ID_CHARACTERS and name.removeprefix(PREFIX).isalnum():
        return ports.letters.get(name)
    found = [it for it in _all(ports) if it.id.startswith(name)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise LetterNotFound(f"no dead letter's id begins with {text!r}. {listed}")
    raise LetterNotFound(f"{text!r} begins {len(found)} ids. Type more of it. {listed}")


def _all(ports: Ports) -> Iterator[Letter]:
    from fanfold.steps.all_pages import all_pages

    return all_pages(lambda it: ports.letters.find(limit=_PAGE, before=it))


def _text_of(body: bytes) -> str | None:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def _harmless(text: str) -> str:
    """What would move the cursor, or change a colour, is written out: anybody may have sent it."""
    return "".join(
        it if it.isprintable() or it == "\n" else it.encode("unicode_escape").decode()
        for it in text
    )


def _as_json(letter: Letter) -> dict[str, Any]:
    from fanfold.cli.numbers import iso

    return {
        "letter_id": letter.id,
        "station": letter.origin or None,
        "batch_id": letter.batch_id,
        "index": letter.index,
        "reason": letter.reason,
        "at": iso(letter.at),
        "fate": str(letter.fate),
        "about": letter.about,
        "resurrected_at": iso(letter.resurrected_at),
        "bytes": letter.size,
    }


def _facts(letter: Letter) -> Iterator[str]:
    from fanfold.cli.numbers import count, moment, short

    facts = {
        "station": letter.origin or "unknown",
        "batch": letter.batch_id,
        "record": None if letter.index is None else str(letter.index),
        "why": short(letter.reason, 2 * len(letter.reason)),
        "when": moment(letter.at),
        "became": letter.about,
        "back": letter.resurrected_at and f"resurrected at {moment(letter.resurrected_at)}",
        "body": count(letter.size, "byte"),
    }
    yield letter.id
    for name, value in facts.items():
        if value is not None:
            yield f"  {name:{_NAME}}{value}"


def table_of(found: list[Letter], now: float) -> Table:
    """Why it died gives way in a narrow terminal."""
    from rich.table import Table
    from rich.text import Text

    from fanfold.cli.numbers import brief, short

    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("LETTER", no_wrap=True, min_width=len(found[0].id))
    table.add_column("FOR", no_wrap=True)
    table.add_column("AGE", justify="right", no_wrap=True)
    table.add_column("BECAME", no_wrap=True)
    table.add_column("WHY")
    for it in found:
        record = "" if it.index is None else f"record {it.index}: "
        table.add_row(
            it.id,
            it.origin or "?",
            brief(max(0.0, now - it.at)),
            str(it.fate) if it.resurrected_at is None else "resurrected",
            Text(short(record + it.reason, _LONG), no_wrap=True, overflow="ellipsis"),
        )
    return table
