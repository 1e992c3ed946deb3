"""Who works where no worker process of ours does: functions or workers of the google engine.

They are up already (`fanfold up`, or the cloud), or are brought up for one command and end with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fanfold.cli.workers import default_processes, threads_for, worker_command
from fanfold.errors import FanfoldError
from fanfold.local.pullers import Pulling
from fanfold.local.up import Up, brought_up

if TYPE_CHECKING:
    from fanfold.cli.terminal import Terminal
    from fanfold.local.reach import Reach
    from fanfold.local.standing import Standing
    from fanfold.settings import Settings


class FunctionsGone(FanfoldError):
    """Nobody works on the batch any more. Start it again: `fanfold up --engine google`."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    standing: Standing | None
    #: if they are this command's own
    up: Up | None = None

    @property
    def keeps(self) -> bool:
        """Whether what is stored outlives this command."""
        return self.up is None or self.up.keeps

    @property
    def takes_processes(self) -> bool:
        """Whether this command said how many there are."""
        return self.up is not None and self.up.standing.pulls

    @property
    def who(self) -> str:
        them = "workers" if self.standing is not None and self.standing.pulls else "functions"
        if self.up is not None:
            return f"{them} of its own"
        if self.standing is not None:
            return f"the {them} that process {self.standing.pid} has up"
        return "the functions in the cloud"

    def tend(self) -> None:
        if self.up is not None:
            self.up.tend()
        elif self.standing is not None and not self.standing.is_alive:
            raise FunctionsGone(
                f"process {self.standing.pid}, which had the functions up, has ended. What its "
                "emulators held is gone, unless they were somebody else's"
            )

    def farewell(self, attach: str) -> str:
        """To whoever goes before the batch has ended; `attach` is how to come back."""
        if self.up is None:
            return f"it goes on without you. Watch it again: {attach}"
        if self.keeps:
            return f"Go on: {attach}"
        return (
            "The batch ends with the emulators that this command started; `fanfold up "
            "--engine google` in another terminal keeps them"
        )


def pulling_of(
    settings: Settings, processes: int | None, threads: int, concurrency: int | None = None
) -> Pulling | None:
    """The workers to bring up, if messages are to be pulled."""
    if settings.delivery == "push":
        return None
    number = processes or default_processes()
    return Pulling(worker_command(threads_for(threads, number, concurrency)), number)


@contextmanager
def at_work(
    terminal: Terminal, reached: Reach, processes: int | None, threads: int, concurrency: int | None
) -> Iterator[tuple[Settings, Elsewhere | None]]:
    """The engine to open, and who works there; None where our own processes do. `concurrency`: the
    limit that it should be possible to reach."""
    if not reached.is_google:
        yield reached.settings, None
        return
    if not reached.can_be_brought_up:
        reached.check()
        yield reached.settings, Elsewhere(reached.standing)
        return
    reached.check_named()
    pulling = pulling_of(reached.settings, processes, threads, concurrency)
    at_once = threads_for(threads, 1, concurrency)
    settings = reached.settings.model_copy(update={"threads": at_once})
    say = lambda line: terminal.say(f"fanfold: {line}")  # noqa: E731  it is handed over, once
    with brought_up(settings, pulling=pulling, say=say) as up:
        terminal.say(f"fanfold: up for this command; logs: {up.standing.logs}")
        yield up.settings, Elsewhere(up.standing, up)
