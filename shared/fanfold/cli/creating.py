"""Placing an order, with progress while the source is read: what `run` and `create` share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from fanfold.cli import exits
from fanfold.cli.elsewhere import Elsewhere, at_work
from fanfold.cli.interrupts import Interrupts
from fanfold.cli.order import Order, order
from fanfold.cli.reading import reading
from fanfold.cli.terminal import Terminal, hearing_user_code
from fanfold.domain.in_flight import threads_worth
from fanfold.local.reach import Reach, reach
from fanfold.local.topics import ensure_topics
from fanfold.settings import Settings
from fanfold.wiring import Fanfold, open_fanfold

if TYPE_CHECKING:
    from fanfold.cli.order import Watch
    from fanfold.cli.wanted import Wanted
    from fanfold.domain.batch import Batch
    from fanfold.sources.line import Line


@dataclass(frozen=True, slots=True)
class Created:
    fanfold: Fanfold
    batch: Batch
    #: who interrupts from here on
    interrupts: Interrupts
    #: who works on it, if not processes of ours
    elsewhere: Elsewhere | None


@contextmanager
def created(
    terminal: Terminal,
    wanted: Wanted,
    *,
    engine: str | None,
    delivery: str | None = None,
    processes: int | None = None,
    threads: int | None,
) -> Iterator[Created]:
    """`threads`: how many records at once, if it is to be worked on until it has ended; what that
    needs is then brought up."""
    with Interrupts() as interrupts, ExitStack() as held:
        try:
            with hearing_user_code(), interrupts.raised():
                reached = reach(engine, delivery)
                asked = order(wanted, reached.settings.flow_places, reached.settings.engine)
                settings, elsewhere = held.enter_context(
                    _placed_at(reached)
                    if threads is None
                    else at_work(
                        terminal, reached, processes, threads, threads_worth(asked.options)
                    )
                )
            fanfold = held.enter_context(open_fanfold(settings))
            with hearing_user_code(), reading(terminal, wanted.source or []) as watch:
                batch = _placed(asked, fanfold, interrupts, watch)
        except KeyboardInterrupt:
            terminal.warn("fanfold: interrupted; nothing was stored")
            raise typer.Exit(exits.INTERRUPTED) from None
        yield Created(fanfold, batch, interrupts, elsewhere)


@contextmanager
def _placed_at(reached: Reach) -> Iterator[tuple[Settings, Elsewhere | None]]:
    """For somebody else to work on."""
    reached.check()
    settings = reached.settings
    if not reached.can_be_brought_up:
        yield settings, Elsewhere(reached.standing) if reached.is_google else None
        return
    ensure_topics(settings)  # a message to a topic without a subscription is lost
    yield settings, None


def _placed(asked: Order, fanfold: Fanfold, interrupts: Interrupts, watch: Watch) -> Batch:
    """An interrupt ends the reading, with nothing stored. Storing takes a moment and is never
    interrupted: whoever is told that nothing was stored can believe it."""

    def interruptible(lines: Iterator[Line]) -> Iterator[Line]:
        rest = watch(lines)
        while True:
            with interrupts.raised():
                line = next(rest, None)
            if line is None:
                return
            yield line

    return asked.place(fanfold.ports, interruptible)
