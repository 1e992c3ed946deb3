"""The commands, in the order and the groups that the help shows, and where each of them is."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

#: name → its module here, and its function there, where that has another name
COMMANDS: dict[str, dict[str, str]] = {
    "Work": {
        "run": "run",
        "estimate": "estimate",
        "create": "create",
        "attach": "attach",
        "worker": "worker",
        "wait": "wait",
        "set": "changing:set_",
        "pause": "pause",
        "resume": "pause:resume",
        "cancel": "cancel",
        "retry": "retry",
        "answer": "answer",
        "fold": "fold",
        "prune": "prune",
    },
    "Look": {
        "list": "listing:list_",
        "status": "status",
        "watch": "watch",
        "results": "results",
        "events": "events",
        "errors": "errors",
        "logs": "logs",
        "dead-letters": "dead_letters",
        "verify": "verify",
        "flows": "flows",
        "graph": "graph",
        "actions": "actions",
    },
    "Set up": {
        "init": "init",
        "up": "up",
        "deploy": "deploying:deploy",
        "destroy": "deploying:destroy",
        "doctor": "doctor",
        "bench": "bench",
    },
}


def where(place: str) -> tuple[Callable[..., int], str]:
    """The command, and its example: EXAMPLE, or where a module has several, by its name."""
    module, _, function = place.partition(":")
    found = import_module(f"fanfold.cli.{module}")
    name = function or module
    command: Callable[..., int] = getattr(found, name)
    example: str = getattr(found, name.upper(), None) or found.EXAMPLE
    return command, example
