"""Where a function is found again by its name, and the function that is there.

    place_of(sum)                                "builtins:sum"
    place_of(shout)                              "package.flows:shout", or "/path/flows.py:shout"
    place_of(lambda n: n * 2)                    None: nothing in a module is called so

A place is that of this very function: what another one hides, or what is made anew by each call of
an outer function, has none.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from fanfold.domain.flow import Flow
from fanfold.errors import FlowInvalid, FlowNotFound
from fanfold.execution.loading import PREFIX, absolute, load
from fanfold.graphs.function import Function


def place_of(fn: Callable[..., Any]) -> str | None:
    """`package.module:qualname`, or `/absolute/file.py:qualname` of a file that was loaded or is
    being run."""
    module = sys.modules.get(_module_of(fn))
    if module is None:
        return None
    own = getattr(fn, "__qualname__", "")
    names = [own, *(name for name, it in vars(module).items() if it is fn)]
    name = next((it for it in names if _is(_within(module, it), fn)), None)
    if name is None:
        return None
    if module.__name__ != "__main__" and not module.__name__.startswith(PREFIX):
        return f"{module.__name__}:{name}"
    file = getattr(module, "__file__", None)  # an interpreter's prompt has none
    return f"{absolute(file)}:{name}" if file else None


def called_at(place: str) -> Callable[..., Any]:
    """What is there; of a function with @flow, the function. It imports the place's code. Raises
    FlowInvalid, FlowNotFound."""
    where, colon, name = place.rpartition(":")
    if not colon or not where or not name:
        raise FlowInvalid(f"{place!r} is no place: package.module:name or /path/to/file.py:name.")
    found = _within(_being_run(where) or load(where), name)
    if found is None:
        raise FlowNotFound(f"{where} has no {name!r}.")
    if not callable(found):
        raise FlowInvalid(f"{place} is of type {type(found).__name__}, and cannot be called.")
    called: Callable[..., Any] = found.fn if isinstance(found, Function) else found
    return called


def words_for(fn: Callable[..., Any]) -> str:
    """For people, of a function that has no place."""
    name = getattr(fn, "__qualname__", None)
    return str(name) if name else f"an object of type {type(fn).__name__}"


def short_name(fn: Callable[..., Any]) -> str:
    return str(getattr(fn, "__name__", None) or words_for(fn))


def _being_run(where: str) -> ModuleType | None:
    """The script that is being run, if it is that file: to load it would be to run it again."""
    main = sys.modules.get("__main__")
    file = getattr(main, "__file__", None)
    return main if file and absolute(where) == absolute(file) else None


def _module_of(fn: Callable[..., Any]) -> str:
    owner = getattr(fn, "__objclass__", None)  # str.upper is of its class's module
    return str(getattr(fn, "__module__", None) or getattr(owner, "__module__", None) or "")


def _within(module: ModuleType, qualname: str) -> Any:
    found: Any = module
    for name in qualname.split("."):
        found = getattr(found, name, None)
    return found


def _is(found: Any, fn: Callable[..., Any]) -> bool:
    if isinstance(found, Flow) and not isinstance(fn, Flow):
        return found.fn is fn  # the decorator put the flow in its function's place
    return found is fn or (inspect.ismethod(fn) and bool(found == fn))
