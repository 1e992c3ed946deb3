"""What is seen of a batch while it is worked on: live on a terminal, plain lines elsewhere."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from fanfold.cli.terminal import Terminal
    from fanfold.steps.status import Status


class Display(Protocol):
    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def show(self, status: Status) -> None:
        """Called many times a second."""

    def say(self, line: str) -> None:
        """A line that stays: of a flow, of the log, or of the command. From any thread."""


def display_for(terminal: Terminal) -> Display:
    if not terminal.quiet and terminal.console.is_terminal:
        from fanfold.cli.live import LiveDisplay

        return LiveDisplay(terminal.console)
    from fanfold.cli.plain import PlainDisplay

    return PlainDisplay(terminal)
