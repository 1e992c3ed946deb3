"""Progress on a terminal, redrawn in place; what is said scrolls by above it."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from fanfold.cli.numbers import duration, rate, short
from fanfold.cli.pace import Pace
from fanfold.cli.report import failures, parts_of

if TYPE_CHECKING:
    from fanfold.steps.status import Status

_STYLES = {
    "succeeded": "green",
    "failed": "red",
    "canceled": "magenta",
    "skipped": "magenta",
    "running": "yellow",
    "waiting": "cyan",
    "queued": "bright_black",
}
#: Told apart without colour, too.
_SHADES = dict(zip(_STYLES, "█▚▞▞▓▒░", strict=True))
_ASCII_SHADES = dict(zip(_STYLES, "#x//=-.", strict=True))
_MAX_WIDTH = 100


class LiveDisplay:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._pace = Pace()
        # Nothing is redirected: standard output is for data, also while this is shown.
        self._live = Live(
            console=console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def show(self, status: Status) -> None:
        self._pace.see(status)
        self._live.update(view_of(status, self._pace, self._console), refresh=True)

    def say(self, line: str) -> None:
        self._console.print(Text.from_ansi(line))


def view_of(status: Status, pace: Pace, console: Console) -> Group:
    width = min(console.width, _MAX_WIDTH) - 1
    lines = [
        Text(short(_title(status), width), style="bold"),
        bar(status, width, plain=not console.encoding.startswith("utf")),
        _legend(status),
        Text(_pace(status, pace), style="bright_black"),
        *(Text(line, style="red") for line in failures(status, width)),
    ]
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return Group(*lines)


def bar(status: Status, width: int, *, plain: bool = False) -> Text:
    """The counts as parts of one line; whoever is there at all has at least one place."""
    parts = parts_of(status)
    total = sum(number for _, number in parts)
    counts = status.counts
    percent = f" {100 * counts.settled // total if total else 0:3} %"
    room = width - len(percent)
    shades = _ASCII_SHADES if plain else _SHADES
    line = Text()
    for (name, _), places in zip(parts, _shares([it for _, it in parts], room), strict=True):
        line.append(shades[name] * places, style=_STYLES[name])
    if not parts:
        line.append(shades["queued"] * room, style=_STYLES["queued"])
    return line.append(percent)


def _shares(numbers: list[int], room: int) -> list[int]:
    total = sum(numbers)
    shares = [max(1, number * room // total) for number in numbers]
    if shares:  # what rounding left over, or took too much, is the largest one's
        largest = shares.index(max(shares))
        shares[largest] += room - sum(shares)
    return shares


def _title(status: Status) -> str:
    batch = status.batch
    parts = [batch.flow.name, batch.id, str(batch.state), batch.options.label]
    return " · ".join(part for part in parts if part)


def _legend(status: Status) -> Text:
    line = Text()
    for name, number in parts_of(status):
        line.append(" · " if line else "").append(f"{number:,} {name}", style=_STYLES[name])
    if not status.batch.sealed and not status.batch.ended:
        begun = status.batch.started_at is not None
        line.append(" · " if line else "")
        line.append("reading the source" if begun else "waiting for a worker")
    return line


def _pace(status: Status, pace: Pace) -> str:
    parts = [rate(pace.rate)] if pace.rate else []
    parts.append(f"{duration(status.seconds)} gone")
    if (left := pace.left(status)) is not None and not status.batch.ended:
        parts.append(f"about {duration(left)} left")
    return " · ".join(parts)
