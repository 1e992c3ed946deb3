"""`fanfold init`: a flow and records to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fanfold.cli import parameters as given

EXAMPLE = "fanfold init"

FLOWS = '''\
"""Flows: each says what to do with one record."""

from fanfold import Context, Permanent, flow


def longest(results):
    """The fold: it gets all results, in record order, and makes the batch's output of them."""
    return max((it.output for it in results if it.ok), key=len, default=None)


@flow(retries=3, timeout=60, fold=longest)
def shout(record: dict, ctx: Context) -> str:
    """What it returns is kept as JSON. Whatever it raises is tried again; Permanent is not."""
    text = record["text"].strip()
    if not text:
        raise Permanent("there is nothing to shout")
    ctx.log("shouting", letters=len(text))  # see it with: fanfold logs last
    return text.upper()
'''
RECORDS = """\
{"id": "a", "text": "hello"}
{"id": "b", "text": "wonderful"}
{"id": "c", "text": " "}
{"id": "d", "text": "world"}
"""
_FILES = {"flows.py": FLOWS, "records.jsonl": RECORDS}
_NEXT = """
Run it:             {cd}fanfold run flows.py:shout records.jsonl --out results.jsonl
What failed, where: fanfold errors last; fanfold logs last c
Mended? Then only:  fanfold retry last --failed; fanfold attach last"""


def init(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER", help="Where; it is made if there is none.", show_default=False
        ),
    ] = Path(),
    json: given.AsJson = False,
) -> int:
    """Write a flow and some records to begin with: flows.py and records.jsonl.

    A file that is there already stays as it is.
    """
    from fanfold.cli import exits
    from fanfold.cli.terminal import Terminal

    terminal = Terminal()
    made, kept = _write(folder)
    if json:
        terminal.json({"folder": str(folder.absolute()), "made": made, "kept": kept})
        return exits.OK
    for name in made:
        terminal.say(f"{folder / name}: made")
    for name in kept:
        terminal.say(f"{folder / name}: there already, and as it was")
    if "flows.py" in made:
        cd = "" if folder == Path() else f"cd {folder}; "
        terminal.say(_NEXT.format(cd=cd))
    return exits.OK


def _write(folder: Path) -> tuple[list[str], list[str]]:
    """The names of those that were made, and of those that were there."""
    from fanfold.errors import OptionInvalid

    made, kept = [], []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in _FILES.items():
            try:
                with (folder / name).open("x", encoding="utf-8") as file:
                    file.write(text)
                made.append(name)
            except FileExistsError:
                kept.append(name)
    except OSError as error:
        raise OptionInvalid(f"{error.filename}: {error.strerror}. Name another folder") from None
    return made, kept
