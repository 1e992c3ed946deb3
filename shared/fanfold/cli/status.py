"""`fanfold status`: one batch, at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fanfold.cli import parameters as given

if TYPE_CHECKING:
    from rich.console import Group

    from fanfold.steps.status import Status

EXAMPLE = "fanfold status last --json"

_OUTPUT_LINES = 20
_WIDTH = 80


def status(batch: given.BatchName, engine: given.Engine = None, json: given.AsJson = False) -> int:
    """Show how far a batch is, what failed, and what came out of it."""
    from fanfold.cli import exits
    from fanfold.cli.opening import opened_at
    from fanfold.cli.report import output_of, status_as_json
    from fanfold.cli.terminal import Terminal
    from fanfold.steps.status import status_of

    terminal = Terminal()
    with opened_at(batch, engine) as (fanfold, found):
        seen = status_of(fanfold.ports, found.id)
        output = output_of(fanfold.ports, seen.batch)
    if json:
        terminal.json(status_as_json(seen, output))
    else:
        terminal.show(_view(seen, output, given.flag_of(engine)))
    return exits.OK


def _view(seen: Status, output: Any, flag: str) -> Group:
    from rich.console import Group
    from rich.text import Text

    from fanfold.cli.live import bar
    from fanfold.cli.numbers import short
    from fanfold.cli.report import failures

    batch = seen.batch
    title = Text(f"{batch.id}  {batch.flow.name}  ", style="bold").append(str(batch.state))
    lines = [title, bar(seen, _WIDTH - 1)]
    for name, text in _facts(seen):
        lines.append(Text(f"{name:10}", style="bright_black").append(short(text, 4 * _WIDTH)))
    lines += [Text(line) for line in failures(seen, _WIDTH)]
    if batch.output is not None:
        lines.append(Text("output", style="bright_black"))
        lines += [Text("  " + line) for line in _output_lines(output, batch.id + flag)]
    return Group(*lines)


def _facts(seen: Status) -> list[tuple[str, str]]:
    from fanfold.cli.numbers import duration, moment
    from fanfold.cli.report import counted, reason_of

    batch = seen.batch
    more = "" if batch.sealed else " so far"
    facts = [("source", batch.source.name), ("records", counted(seen) + more)]
    facts.append(("created", moment(batch.created_at)))
    if batch.ended_at is not None:
        facts.append(("ended", f"{moment(batch.ended_at)}, after {duration(seen.seconds)}"))
    else:
        facts.append(("since", duration(seen.seconds)))
    options = batch.options.model_dump(exclude_defaults=True, exclude={"label", "tags"})
    if options:
        facts.append(("options", ", ".join(f"{name}={it}" for name, it in options.items())))
    if batch.options.label:
        facts.append(("label", batch.options.label))
    if batch.options.tags:
        facts.append(("tags", ", ".join(batch.options.tags)))
    if (reason := reason_of(seen)) is not None:
        facts.append(("reason", reason))
    return facts


def _output_lines(output: Any, which: str) -> list[str]:
    import json

    lines = json.dumps(output, indent=2, ensure_ascii=False).splitlines()
    if len(lines) > _OUTPUT_LINES:
        rest = len(lines) - _OUTPUT_LINES
        whole = f"… {rest:,} more lines: fanfold status {which} --json"
        lines = [*lines[:_OUTPUT_LINES], whole]
    return lines
