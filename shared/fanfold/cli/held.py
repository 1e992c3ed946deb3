"""A batch that its canary has paused: what there is to say of it, and what somebody can do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from fanfold.cli.report import counted, failures

if TYPE_CHECKING:
    from fanfold.cli.terminal import Terminal
    from fanfold.steps.status import Status


def tell_held(terminal: Terminal, status: Status, suggest: Callable[[str, str], str]) -> None:
    """`suggest` makes a command line of a command and the batch's id."""
    batch = status.batch
    terminal.warn(f"fanfold: {batch.id} is paused: {batch.held}")
    terminal.say(f"  {counted(status)}")
    for line in failures(status, terminal.console.width):
        terminal.say(line)
    resume, attach = suggest("resume", batch.id), suggest("attach", batch.id)
    terminal.say(f"  go on:   {resume}, then {attach}")
    terminal.say(f"  or not:  {suggest('cancel', batch.id)}")
