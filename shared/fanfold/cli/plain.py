"""Progress without a terminal: a line now and then, for a log file."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from fanfold.cli.numbers import duration, rate
from fanfold.cli.report import where_to_answer
from fanfold.steps.pace import Pace

if TYPE_CHECKING:
    from fanfold.cli.terminal import Terminal
    from fanfold.domain.tally import Counts
    from fanfold.steps.status import Status

_EVERY_SECONDS = 5.0


class PlainDisplay:
    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._pace = Pace()
        self._said: Counts | None = None
        self._said_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def show(self, status: Status) -> None:
        self._pace.see(status)
        if self._said is None:  # what is new since now
            self._said, self._said_at = status.counts, status.seconds
        due = status.seconds - self._said_at >= _EVERY_SECONDS
        if due and status.counts != self._said and not status.batch.ended:
            self._said, self._said_at = status.counts, status.seconds
            self._terminal.say(line_of(status, self._pace))

    def say(self, line: str) -> None:
        self._terminal.warn(line)


def line_of(status: Status, pace: Pace) -> str:
    counts = status.counts
    more = "" if status.batch.sealed else "+"
    parts = [f"{counts.settled:,} of {counts.total:,}{more} done"]
    parts += [
        f"{number:,} {name}"
        for name, number in (
            ("failed", counts.failed),
            ("running", counts.running),
            ("waiting", counts.waiting),
        )
        if number
    ]
    if pace.rate:
        parts.append(rate(pace.rate))
    if (left := pace.left(status)) is not None:
        parts.append(f"about {duration(left)} left")
    return f"fanfold: {', '.join([*parts, *where_to_answer(status)])}"
