"""Which fold `--with` means: one to choose from, or one of the user's."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any

from fanfold.domain.flow import Flow
from fanfold.errors import FlowInvalid, FlowNotFound, OptionInvalid
from fanfold.execution.loading import load
from fanfold.folds.builtin import collect, count_by, merge

_COUNT_BY = "count-by"
_NAMES = ("collect", "merge", _COUNT_BY)


def fold_named(text: str) -> Callable[[Iterable[Any]], Any]:
    """`collect`, `merge`, `count-by:PLACE`, or `flows.py:name` and `package.module:name` of a
    function of the results, or of a flow that has a fold."""
    place, colon, name = text.rpartition(":")
    match place, name:
        case ("", "collect"):
            return collect()
        case ("", "merge"):
            return merge()
        case (it, where) if it == _COUNT_BY:
            return count_by(where)
        case _ if not colon or not place or not name:
            raise _unknown(text)
        case _:
            return _own(place, name)


def _unknown(text: str) -> OptionInvalid:
    near = get_close_matches(text.partition(":")[0], _NAMES, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return OptionInvalid(
        f"--with {text}: there is no such fold.{hint} Write collect, merge, count-by:PLACE "
        "(such as count-by:label, or count-by:. for the whole output) or flows.py:function"
    )


def _own(place: str, name: str) -> Callable[[Iterable[Any]], Any]:
    module = load(place)
    it = vars(module).get(name)
    if it is None:
        near = get_close_matches(name, [key for key, it in vars(module).items() if callable(it)])
        hint = f"Did you mean {near[0]}?" if near else "Name a function of the results in it."
        raise FlowNotFound(f"--with {place}:{name}: there is no {name!r} in it. {hint}")
    if isinstance(it, Flow):
        if it.fold is None:
            raise FlowInvalid(f"--with {place}:{name}: that is a flow, and it has no fold")
        return it.fold
    if not callable(it) or not _takes_results(it):
        raise FlowInvalid(
            f"--with {place}:{name}: a fold is a function of one argument, the results: "
            f"def {name}(results)"
        )
    fold: Callable[[Iterable[Any]], Any] = it
    return fold


def _takes_results(function: Callable[..., Any]) -> bool:
    try:
        inspect.signature(function).bind([])
    except TypeError:
        return False
    except ValueError:  # a builtin that does not say what it takes
        return True
    return True
