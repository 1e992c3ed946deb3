"""Who works where no worker process of ours does: the functions of the google engine.

They are up already (`fanfold up`, or the cloud), or are brought up for one command and end with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fanfold.errors import FanfoldError
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
    def who(self) -> str:
        if self.up is not None:
            return "functions of its own"
        if self.standing is not None:
            return f"the functions that process {self.standing.pid} has up"
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


@contextmanager
def at_work(
    terminal: Terminal, reached: Reach, threads: int
) -> Iterator[tuple[Settings, Elsewhere | None]]:
    """The engine to open, and who works there; None where our own processes do."""
    if not reached.is_google:
        yield reached.settings, None
        return
    if not reached.can_be_brought_up:
        reached.check()
        yield reached.settings, Elsewhere(reached.standing)
        return
    reached.check_named()
    settings = reached.settings.model_copy(update={"threads": threads})
    with brought_up(settings, say=lambda line: terminal.say(f"fanfold: {line}")) as up:
        terminal.say(f"fanfold: up for this command; logs: {up.standing.logs}")
        yield up.settings, Elsewhere(up.standing, up)
