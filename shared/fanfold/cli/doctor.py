"""`fanfold doctor`: what this machine lacks, and how to get it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fanfold.cli import parameters as given

if TYPE_CHECKING:
    from rich.table import Table

    from fanfold.local.doctor import Finding

EXAMPLE = "fanfold doctor --engine google"

_STYLES = {"ok": "green", "missing": "red", "warning": "yellow"}


def doctor(engine: given.Engine = None, json: given.AsJson = False) -> int:
    """Look for what each engine needs here, and say how to get what is missing.

    Exits with 0 if the chosen engine can work (FANFOLD_ENGINE, or --engine), else with 1.
    """
    from dataclasses import asdict

    from fanfold.cli import exits
    from fanfold.cli.terminal import Terminal
    from fanfold.local.doctor import can_work, examine
    from fanfold.settings import Settings

    terminal = Terminal()
    settings = Settings.from_env()
    chosen = settings.engine if engine is None else str(engine)
    findings = examine(settings)
    works = can_work(findings, chosen)
    if json:
        found = [{**asdict(it), "verdict": str(it.verdict)} for it in findings]
        terminal.json({"engine": chosen, "works": works, "findings": found})
    else:
        terminal.show(_table(findings))
        terminal.say(
            f"fanfold: the {chosen} engine {'can' if works else 'cannot'} work on this machine"
        )
    return exits.OK if works else exits.FAILED


def _table(findings: Sequence[Finding]) -> Table:
    """What is too long goes on under itself."""
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True, min_width=8)
    table.add_column(no_wrap=True, min_width=8)
    table.add_column(overflow="fold")
    for it in findings:
        remedy = f". {it.remedy}" if it.remedy else ""
        verdict = Text(it.verdict, style=_STYLES[it.verdict])
        table.add_row(verdict, it.engine or "both", Text(f"{it.what}: {it.found}{remedy}"))
    return table
