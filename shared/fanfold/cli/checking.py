"""`--check`: what is wrong with a source, before a batch is made of it."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from fanfold.cli import exits
from fanfold.cli.numbers import count
from fanfold.cli.opening import opened_at_home
from fanfold.cli.order import order
from fanfold.cli.reading import reading
from fanfold.cli.terminal import Terminal, hearing_user_code
from fanfold.settings import Settings

if TYPE_CHECKING:
    from fanfold.cli.wanted import Wanted
    from fanfold.errors import SourceInvalid

MAX_SHOWN = 20


def check(terminal: Terminal, wanted: Wanted, *, engine: str | None, json: bool) -> int:
    """The exit code. The problems are the answer: they go to standard output."""
    shown: list[str] = []

    def told(problem: SourceInvalid) -> None:
        if len(shown) < MAX_SHOWN:
            shown.append(" ".join(str(problem).split()))
            if not json:
                terminal.data(shown[-1])

    with hearing_user_code():
        settings = Settings.from_env()
        asked = order(wanted, settings.flow_places, engine or settings.engine)
        opened = opened_at_home(engine) if asked.with_ports is not None else nullcontext(None)
        with opened as fanfold, reading(terminal, wanted.source or []) as watch:
            checked = asked.check(fanfold.ports if fanfold else None, watch, told)
    if json:
        terminal.json(
            {"records": checked.records, "problems": checked.problems, "first_problems": shown}
        )
    else:
        more = f"; the first {MAX_SHOWN} are shown" if checked.problems > MAX_SHOWN else ""
        found = count(checked.problems, "problem") if checked.problems else "no problems"
        terminal.say(f"fanfold: {count(checked.records, 'record')}, {found}{more}")
    return exits.USAGE if checked.problems else exits.OK
