"""`fanfold answer`: what runs ask people, and the answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fanfold.cli import parameters as given
from fanfold.cli.completion import complete_batch

if TYPE_CHECKING:
    from rich.table import Table

    from fanfold.domain.batch import Batch
    from fanfold.ports import Ports
    from fanfold.steps.answer import Asked

EXAMPLE = "fanfold answer last 0 yes"
_YES_NO = {"yes": True, "y": True, "no": False, "n": False}


def answer(
    batch: Annotated[
        str | None,
        typer.Argument(
            metavar="BATCH",
            help="A batch's id, the beginning of one, or `last`. Default: whatever is asked.",
            autocompletion=complete_batch,
            show_default=False,
        ),
    ] = None,
    record: Annotated[
        int | None,
        typer.Argument(metavar="RECORD", help="The index of the record.", show_default=False),
    ] = None,
    value: Annotated[
        str | None,
        typer.Argument(
            metavar="ANSWER",
            help="JSON, or plain text; yes or no, where that is asked.",
            show_default=False,
        ),
    ] = None,
    question: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Which one, where the record asks several.", show_default=False
        ),
    ] = None,
    engine: given.Engine = None,
    json: given.AsJson = False,
) -> int:
    """Show what runs ask and wait for, or answer it.

    Without an answer the questions are listed, of one batch or of all, with those of the items
    that their runs are scattered over. With BATCH, RECORD and ANSWER the run goes on, as soon as
    somebody works: `fanfold attach`, `fanfold worker`, or functions. The first answer counts.
    """
    from fanfold.cli import exits
    from fanfold.cli.opening import find_batch, opened_at_home
    from fanfold.cli.terminal import Terminal
    from fanfold.errors import OptionInvalid
    from fanfold.steps.answer import answer as step

    terminal = Terminal()
    if record is not None and value is None:
        raise OptionInvalid(f"which answer? fanfold answer {batch} {record} ANSWER")
    if question is not None and value is None:
        raise OptionInvalid("--question is for an answer: fanfold answer BATCH RECORD ANSWER")
    with opened_at_home(engine) as fanfold:
        ports = fanfold.ports
        found = None if batch is None else find_batch(ports, batch)
        if found is None or record is None or value is None:
            asked = list(_asked(ports, found))
        else:
            meant = _meant(ports, found, record, value, question)
            by = f"{_user()} (command line)"
            done = step(ports, fanfold.policy, found, record, meant, by=by, name=question)
            return _say(terminal, done, meant, as_json=json)
    if json:
        terminal.json({"questions": [as_json(it) for it in asked]})
    elif asked:
        terminal.show(_table(asked, given.flag_of(engine)))
    else:
        terminal.say("nobody asks anything" if found is None else f"{found.id} asks nothing")
    return exits.OK


def as_json(asked: Asked) -> dict[str, Any]:
    from fanfold.cli.numbers import iso

    it = asked.question
    return {
        "batch_id": asked.batch_id,
        "index": asked.index,
        "run_id": asked.run_id,
        "name": asked.name,
        "question": it.text,
        "schema": it.schema,
        "asked_at": iso(it.asked_at),
        "until": iso(it.until),
    }


def _asked(ports: Ports, batch: Batch | None) -> Iterator[Asked]:
    from fanfold.steps.answer import open_questions
    from fanfold.steps.sweep import open_batches

    if batch is not None:
        yield from open_questions(ports, batch)
        return
    for it in open_batches(ports):
        yield from open_questions(ports, it)


def _meant(ports: Ports, batch: Batch, record: int, text: str, name: str | None) -> Any:
    """What is typed as what is asked for; whatever is wrong with it is told with the question."""
    import json

    from fanfold.steps.answer import questions_of

    live = ports.leases.lives(batch.id, [record]).get(record)
    asked = [] if live is None else [it for it in questions_of(live) if name in (None, it.name)]
    schema = asked[0].question.schema if len(asked) == 1 else None
    kind = schema.get("type") if isinstance(schema, dict) else None
    if kind == "boolean" and text.lower() in _YES_NO:
        return _YES_NO[text.lower()]
    if kind == "string":
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _say(terminal: Any, asked: Asked, value: Any, *, as_json: bool) -> int:
    import json

    from fanfold.cli import exits

    if as_json:
        told = {"batch_id": asked.batch_id, "index": asked.index, "run_id": asked.run_id}
        terminal.json({**told, "name": asked.name, "answer": value})
    else:
        terminal.say(f"{asked.question.text} {json.dumps(value)}: record {asked.index} goes on")
    return exits.OK


def _table(asked: list[Asked], flag: str) -> Table:
    from rich.table import Table
    from rich.text import Text

    from fanfold.cli.numbers import moment

    table = Table.grid(padding=(0, 2, 0, 0))
    for column in ("batch", "record", "since", "question"):
        table.add_column(Text(column, style="bright_black"), overflow="fold")
    table.add_row(*(Text(it, "bright_black") for it in ("batch", "record", "since", "question")))
    of_record = Counter(it.run_id for it in asked)
    for it in asked:
        which = f" (--question {it.name!r})" if of_record[it.run_id] > 1 else ""
        shown = f"{it.question.text}{which}"
        table.add_row(it.batch_id, f"{it.index:,}", moment(it.question.asked_at), Text(shown))
    first = asked[0]
    table.caption = f"answer: fanfold answer {first.batch_id} {first.index} ANSWER{flag}"
    table.caption_justify = "left"
    return table


def _user() -> str:
    from getpass import getuser

    try:
        return getuser()
    except (KeyError, OSError):  # a container may have no user of that number
        return "somebody"
