"""The function that a node was given, where something stands between it and its input.

`spread` and `one_argument` call it in another way than it wants to be called, and so stand for it.
Whoever draws a graph, writes it down or asks what an action needs means the function itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fanfold.domain.flow import Flow, version_of

_ORIGINAL = "__original__"


def standing_for(fn: Callable[..., Any], called: Callable[..., Any]) -> Callable[..., Any]:
    """`called`, which remembers that it stands for `fn`."""
    setattr(called, _ORIGINAL, fn)
    return called


def original(work: Flow) -> Callable[..., Any]:
    """What the author has written."""
    found: Callable[..., Any] = getattr(work.fn, _ORIGINAL, work.fn)
    return found


def code_version(fn: Callable[..., Any]) -> str:
    """Changes with its code; of a function of C, whose code cannot be read, with its name."""
    found = version_of(fn)
    return found if found != "0" else str(getattr(fn, "__qualname__", type(fn).__qualname__))
