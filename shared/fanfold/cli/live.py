"""Progress on a terminal, redrawn in place; what is said scrolls by above it."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from fanfold.cli.bar import bar, legend
from fanfold.cli.numbers import duration, rate, short
from fanfold.cli.report import failures, where_to_answer
from fanfold.steps.pace import Pace

if TYPE_CHECKING:
    from fanfold.steps.status import Status

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
    plain = not console.encoding.startswith("utf")
    lines = [
        Text(short(title_of(status), width), style="bold"),
        bar(status, width, plain=plain),
        *legend(status, width, plain=plain),
        Text(_pace(status, pace), style="bright_black"),
        *(Text(line, style="red") for line in failures(status, width)),
        *(Text(line, style="yellow") for line in where_to_answer(status)),
    ]
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return Group(*lines)


def title_of(status: Status) -> str:
    batch = status.batch
    parts = [batch.flow.shown, batch.id, str(batch.state), batch.options.label]
    return " · ".join(part for part in parts if part)


def _pace(status: Status, pace: Pace) -> str:
    parts = [rate(pace.rate)] if pace.rate else []
    parts.append(f"{duration(status.seconds)} gone")
    if (left := pace.left(status)) is not None and not status.batch.ended:
        parts.append(f"about {duration(left)} left")
    return " · ".join(parts)
