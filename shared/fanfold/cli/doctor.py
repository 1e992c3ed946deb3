"""`fanfold doctor`: what this machine lacks, and how to get it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fanfold.cli import parameters as given

if TYPE_CHECKING:
    from rich.text import Text

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
        for finding in findings:
            terminal.show(_line(finding))
        terminal.say(
            f"fanfold: the {chosen} engine {'can' if works else 'cannot'} work on this machine"
        )
    return exits.OK if works else exits.FAILED


def _line(it: Finding) -> Text:
    from rich.text import Text

    line = Text(f"{it.verdict:8}", style=_STYLES[it.verdict])
    line.append(f"{it.engine or 'both':9} {it.what}: {it.found}", style="none")
    if it.remedy:
        line.append(f". {it.remedy}", style="none")
    return line
