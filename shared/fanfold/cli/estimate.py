"""`fanfold estimate`: what a batch would cost, before anything runs."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fanfold.cli import parameters as given
from fanfold.cli.wanted import Wanted, taking_wanted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from fanfold.cli.terminal import Terminal
    from fanfold.domain.cost import Estimate, Line, Workload
    from fanfold.domain.options import BatchOptions
    from fanfold.sources.line import Line as Record

EXAMPLE = "fanfold estimate flows.py:shout records.jsonl --seconds-per-record 2"

_WHAT_IF = "What if"
_ENDS_AT = 540


@taking_wanted
def estimate(
    wanted: Wanted,
    records: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            help="So many records, instead of a source.",
            rich_help_panel=_WHAT_IF,
            show_default=False,
        ),
    ] = None,
    bytes_per_record: Annotated[
        float,
        typer.Option(metavar="N", min=1, help="Of each, with --records.", rich_help_panel=_WHAT_IF),
    ] = 200,
    output_bytes: Annotated[
        float,
        typer.Option(metavar="N", min=0, help="Of each result.", rich_help_panel=_WHAT_IF),
    ] = 200,
    seconds_per_record: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=0,
            help="That a run takes; without, the instances' time is left out.",
            rich_help_panel=_WHAT_IF,
            show_default=False,
        ),
    ] = None,
    threads: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=1,
            help="Runs at once in an instance (FANFOLD_THREADS there); 1 if they compute all the "
            "time.",
            rich_help_panel=_WHAT_IF,
        ),
    ] = 32,
    json: given.AsJson = False,
    quiet: given.Quiet = False,
) -> int:
    """Tell what a batch would cost on the google engine, before anything runs.

    Takes what `fanfold run` takes, reads the source and refuses what would be refused there;
    stores nothing and asks nobody. Counts operations, and multiplies them with list prices.
    """
    from fanfold.cli import exits
    from fanfold.cli.terminal import Terminal
    from fanfold.domain.cost import Workload
    from fanfold.domain.cost import estimate as cost_of
    from fanfold.domain.in_flight import concurrency_of
    from fanfold.domain.order import combinations
    from fanfold.domain.rate import per_second

    terminal = Terminal(quiet=quiet)
    options, folds, counted, size = _read(terminal, wanted, records, bytes_per_record)
    told = cost_of(
        Workload(
            records=counted,
            record_bytes=size,
            combinations=combinations(options),
            concurrency=concurrency_of(options),
            rate=None if options.rate is None else per_second(options.rate),
            output_bytes=output_bytes,
            folds=folds,
            seconds=seconds_per_record,
            runs_at_once=threads,
        )
    )
    if json:
        terminal.json(_as_json(told))
    else:
        terminal.show(_table(told))
        for line in _notes(told):
            terminal.say(line)
    return exits.OK


def _read(
    terminal: Terminal, wanted: Wanted, records: int | None, bytes_per_record: float
) -> tuple[BatchOptions, bool, int, float]:
    """The options, whether the flow folds, how many records, and of how many bytes each."""
    from dataclasses import replace

    from fanfold.cli.opening import opened_at_home
    from fanfold.cli.order import order
    from fanfold.cli.reading import reading
    from fanfold.cli.terminal import hearing_user_code
    from fanfold.errors import OptionInvalid
    from fanfold.settings import Settings
    from fanfold.sources.line import refuse

    if records is not None:
        if wanted.source:
            raise OptionInvalid("--records says how many: leave it out, or the source")
        wanted = replace(wanted, source=[_NO_SOURCE])
    seen = _Seen()
    with hearing_user_code():
        settings = Settings.from_env()
        asked = order(wanted, settings.flow_places, settings.engine)
        options, folds = asked.options, asked.found.flow.fold is not None
        if records is not None:
            return options, folds, _at_most(records, options), bytes_per_record
        opened = opened_at_home(None) if asked.with_ports is not None else nullcontext(None)
        with opened as fanfold, reading(terminal, wanted.source or []) as watch:
            ports = fanfold.ports if fanfold else None
            checked = asked.check(ports, lambda lines: watch(seen.through(lines)), refuse)
    return options, folds, _at_most(checked.records, options), seen.mean


#: Named where there is no source to open, and never read.
_NO_SOURCE = "-"


def _at_most(records: int, options: BatchOptions) -> int:
    return records if options.max_records is None else min(records, options.max_records)


class _Seen:
    """Counts the bytes of the records that pass."""

    def __init__(self) -> None:
        self._records = 0
        self._bytes = 0

    def through(self, lines: Iterator[Record]) -> Iterator[Record]:
        for line in lines:
            self._records += 1
            self._bytes += len(line.body.encode())
            yield line

    @property
    def mean(self) -> float:
        return self._bytes / self._records if self._records else 0.0


def _table(told: Estimate) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="bold")
    table.add_column("")
    for name in ("AMOUNT", "LIST PRICE", "DOLLARS"):
        table.add_column(name, justify="right")
    for line in told.once:
        table.add_row(*_cells(line))
    table.add_row("together", "", "", _dollars(told.dollars))
    table.add_row("for a million such records", "", "", _dollars(told.dollars_per_million))
    table.add_row("", "", "", "")
    for line in told.monthly:
        table.add_row(*_cells(line))
    table.add_row("for each month that it is kept", "", "", _dollars(told.dollars_a_month))
    return table


def _cells(line: Line) -> tuple[str, str, str, str]:
    digits = 0 if line.amount >= 100 or line.amount == int(line.amount) else 3
    return line.name, f"{line.amount:,.{digits}f}", str(line.price), _dollars(line.dollars)


def _dollars(amount: float) -> str:
    """To the cent; what is less than a dollar, to a hundredth of one."""
    return f"${amount:,.2f}" if amount >= 1 else f"${amount:.4f}"


def _notes(told: Estimate) -> Iterator[str]:
    from fanfold.cli.numbers import count, duration
    from fanfold.domain import prices
    from fanfold.domain.cost import NAIVE_DOLLARS_PER_MILLION

    work = told.workload
    runs = "" if work.combinations == 1 else f" x {work.combinations:,} = {work.runs:,} runs"
    yield f"for {count(work.records, 'record')} of {work.record_bytes:,.0f} bytes{runs}"
    if work.least_seconds is not None:
        yield f"takes at least {duration(work.least_seconds)}: so long its rate lets them begin"
    yield (
        f"prices: list prices of {prices.AS_OF} in {prices.REGION}; the naive design, with a "
        f"counter written for each record, costs ${NAIVE_DOLLARS_PER_MILLION:.2f} a million"
    )
    yield "assumed: " + "; ".join(assumed(work))
    yield "left out: " + "; ".join(left_out(work))


def assumed(work: Workload) -> Iterator[str]:
    from fanfold.domain.cost import GROUP

    group = min(GROUP, work.in_flight)
    yield "each record is tried once, and each message delivered once"
    yield f"{group} outcomes in a commit"
    yield f"results of {work.output_bytes:,.0f} bytes"
    if work.seconds is not None:
        yield f"instances of 1 vCPU and 1 GiB with {work.in_flight} runs at once, never idle"
        if work.seconds > _ENDS_AT:
            yield f"functions that may take more than {_ENDS_AT} s, which pushes do not allow"


def left_out(work: Workload) -> Iterator[str]:
    yield "the free tier"
    yield "network egress"
    yield "logs"
    yield "the sweep, retries, and whoever looks"
    if work.seconds is None:
        yield "the instances' time (--seconds-per-record)"


def _as_json(told: Estimate) -> dict[str, Any]:
    from dataclasses import asdict

    from fanfold.domain import prices
    from fanfold.domain.cost import NAIVE_DOLLARS_PER_MILLION

    work = told.workload
    return {
        "records": work.records,
        "runs": work.runs,
        "least_seconds": work.least_seconds,
        "bytes_per_record": round(work.record_bytes, 1),
        "dollars": told.dollars,
        "dollars_per_million": told.dollars_per_million,
        "dollars_a_month": told.dollars_a_month,
        "naive_dollars_per_million": NAIVE_DOLLARS_PER_MILLION,
        "lines": [_line_as_json(line) for line in told.once],
        "monthly": [_line_as_json(line) for line in told.monthly],
        "operations": asdict(told.operations),
        "assumed": list(assumed(work)),
        "left_out": list(left_out(work)),
        "prices": {"as_of": prices.AS_OF, "region": prices.REGION},
    }


def _line_as_json(line: Line) -> dict[str, Any]:
    return {
        "name": line.name,
        "amount": line.amount,
        "price": line.price.dollars,
        "per": line.price.per,
        "unit": line.price.unit,
        "source": line.price.source,
        "dollars": line.dollars,
    }
