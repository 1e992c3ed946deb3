"""Who works on what is up: the six functions that messages are pushed to, or workers that pull."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from fanfold.errors import FanfoldError
from fanfold.settings import Settings


class CannotBringUp(FanfoldError):
    """Something did not start. `fanfold doctor` says what this machine lacks."""


class FellDown(FanfoldError):
    """Something that was up has ended for good. Start it again: `fanfold up --engine google`."""


@dataclass(frozen=True, slots=True)
class Part:
    """A line of what runs where."""

    name: str
    host: str
    #: None: somebody else's
    pid: int | None
    log: str | None


class Crew(Protocol):
    @property
    def names(self) -> list[str]:
        """Of what it starts, for whoever waits meanwhile."""

    @property
    def urls(self) -> dict[str, str]:
        """Of the functions, by name."""

    def start(self) -> None:
        """Everything at once."""

    def until_ready(self) -> None:
        """Raises CannotBringUp."""

    def claim(self, settings: Settings) -> None:
        """The topics of the emulator, for these."""

    def at_work(self, settings: Settings) -> AbstractContextManager[None]:
        """What belongs to it and is no process."""

    def parts(self) -> list[Part]: ...

    def tend(self) -> None:
        """Start again what died. Raises FellDown when that is no use."""

    def end(self, seconds: float) -> None:
        """All of it, within about so long."""
