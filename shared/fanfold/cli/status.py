"""`fanfold status`: one batch, at a glance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fanfold.cli import parameters as given

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Group
    from rich.table import Table

    from fanfold.cli.terminal import Terminal
    from fanfold.domain.batch import Batch
    from fanfold.steps.engine_statistics import EngineStatistics
    from fanfold.steps.status import Status

EXAMPLE = "fanfold status last --json"

_OUTPUT_LINES = 20
_NAME = 9
_MIN_FLOW = 4
#: of one fact
_LINES = 4


def status(
    batch: given.BatchName,
    engine: given.Engine = None,
    engine_stats: Annotated[
        bool,
        typer.Option(
            "--engine-stats",
            help="Also how its results are stored: commits, results in each, repetitions.",
        ),
    ] = False,
    json: given.AsJson = False,
) -> int:
    """Show how far a batch is, what failed, and what came out of it."""
    from dataclasses import asdict

    from fanfold.cli import exits
    from fanfold.cli.below import below, below_as_json, below_in_words
    from fanfold.cli.opening import opened_at
    from fanfold.cli.report import output_of, status_as_json
    from fanfold.cli.terminal import Terminal
    from fanfold.steps.engine_statistics import engine_statistics_of
    from fanfold.steps.status import status_of

    terminal = Terminal()
    with opened_at(batch, engine) as (fanfold, found):
        seen = status_of(fanfold.ports, found.id)
        output = output_of(fanfold.ports, seen.batch)
        beneath = below(fanfold.ports, seen.batch)
    statistics = engine_statistics_of(seen) if engine_stats else None
    if json:
        also = {} if statistics is None else {"engine_stats": asdict(statistics)}
        terminal.json({**status_as_json(seen, output), **below_as_json(beneath), **also})
    else:
        flag = given.flag_of(engine)
        more = list(below_in_words(beneath, flag))
        if statistics is not None:
            more.append(("settling", _told(statistics)))
        terminal.show(_view(seen, output, flag, terminal, more))
    return exits.OK


def _view(
    seen: Status,
    output: Any,
    flag: str,
    terminal: Terminal,
    more: list[tuple[str, str]],
) -> Group:
    from rich.console import Group, RenderableType
    from rich.text import Text

    from fanfold.cli.bar import bar
    from fanfold.cli.numbers import short
    from fanfold.cli.report import failures

    batch, width = seen.batch, terminal.columns
    room = max(_MIN_FLOW, width - len(batch.id) - len(batch.state) - 4)
    title = Text(f"{batch.id}  {short(batch.flow.shown, room)}  {batch.state}", style="bold")
    shown: list[RenderableType] = [
        title,
        bar(seen, width - 1, plain=terminal.is_plain),
        _facts(seen, width, more),
        *(Text(line) for line in failures(seen, width)),
    ]
    if batch.output is not None:
        shown.append(Text("output", style="bright_black"))
        shown += [Text("  " + line) for line in _output_lines(output, batch.id + flag)]
    return Group(*shown)


def _facts(seen: Status, width: int, more: list[tuple[str, str]]) -> Table:
    """What is too long goes on under itself."""
    from rich.table import Table
    from rich.text import Text

    from fanfold.cli.numbers import short

    facts = Table.grid(padding=(0, 1, 0, 0))
    facts.add_column(style="bright_black", no_wrap=True, min_width=_NAME)
    facts.add_column(overflow="fold")
    for name, text in (*_named(seen), *more):
        facts.add_row(name, Text(short(text, _LINES * (width - _NAME - 2))))
    return facts


def _named(seen: Status) -> Iterator[tuple[str, str]]:
    from fanfold.cli.numbers import duration, moment
    from fanfold.cli.report import counted, options_of, percentiles
    from fanfold.domain.money import in_words

    batch = seen.batch
    version = f" ({batch.source.version})" if batch.source.version else ""
    yield "source", batch.source.name + version
    yield "records", counted(seen) + ("" if batch.sealed else " so far")
    yield "created", moment(batch.created_at)
    if batch.ended_at is not None:
        yield "ended", f"{moment(batch.ended_at)}, after {duration(seen.seconds)}"
    else:
        yield "since", duration(seen.seconds)
    yield from _generations(batch)
    if known := percentiles(seen.tally.durations):
        yield "durations", " · ".join(known)
    if seen.tally.attempts:
        yield "attempts", f"{seen.tally.attempts:,}"
    if seen.tally.spent:
        yield "spent", in_words(seen.tally.spent)
    if options := options_of(batch):
        yield "options", " · ".join(options)
    if batch.options.label:
        yield "label", batch.options.label
    if batch.options.tags:
        yield "tags", ", ".join(batch.options.tags)
    yield from _whys(seen)


def _whys(seen: Status) -> Iterator[tuple[str, str]]:
    """Why it is as it is."""
    from fanfold.cli.numbers import moment
    from fanfold.cli.report import reason_of

    if seen.waits_for:
        yield "waits for", ", ".join(f"{it.id} ({it.state})" for it in seen.waits_for)
    elif (reason := reason_of(seen)) is not None:
        yield "reason", reason
    if seen.batch.pruned_at is not None:
        yield "pruned", f"{moment(seen.batch.pruned_at)}: its records and results are gone"


def _generations(batch: Batch) -> Iterator[tuple[str, str]]:
    """What was run again, and how it had ended each time before."""
    if batch.chosen is not None:
        yield "retry", f"{batch.chosen.what}, generation {batch.generation}"
    for it in batch.past:
        counts = f"{it.succeeded:,} succeeded, {it.failed:,} failed"
        yield f"before {it.generation + 1}", f"{it.state}, {counts}"


def _told(it: EngineStatistics) -> str:
    from fanfold.cli.numbers import count

    return " · ".join(
        (
            f"{count(it.commits, 'commit')} of {it.outcomes_per_commit:.1f} results",
            f"gathered {1000 * it.gather_seconds:.1f} ms",
            f"{it.repeats:,} repeated",
            f"{it.halvings:,} halved",
            f"{it.slots_used} of {count(it.slots, 'slot')}",
        )
    )


def _output_lines(output: Any, which: str) -> list[str]:
    import json

    lines = json.dumps(output, indent=2, ensure_ascii=False).splitlines()
    if len(lines) > _OUTPUT_LINES:
        rest = len(lines) - _OUTPUT_LINES
        whole = f"… {rest:,} more lines: fanfold status {which} --json"
        lines = [*lines[:_OUTPUT_LINES], whole]
    return lines
