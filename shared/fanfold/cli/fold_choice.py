"""Which fold `--with` means: one to choose from, or one of the user's."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any

from fanfold.domain.flow import Flow
from fanfold.errors import FlowInvalid, FlowNotFound, OptionInvalid
from fanfold.execution.loading import load
from fanfold.folds.builtin import collect, count_by, histogram, mean, merge, top, total

#: as they are written; what is behind the last colon is a place in the outputs
FORMS = (
    "collect",
    "merge",
    "count-by:PLACE",
    "total:PLACE",
    "mean:PLACE",
    "top:N:PLACE",
    "bottom:N:PLACE",
    "histogram:EDGES:PLACE",
)
_NAMES = [it.partition(":")[0] for it in FORMS]
_EXAMPLES = {
    "collect": "collect",
    "merge": "merge",
    "count-by": "count-by:label, or count-by:. for the whole output",
    "total": "total:price",
    "mean": "mean:price",
    "top": "top:10:score",
    "bottom": "bottom:10:score",
    "histogram": "histogram:0,10,100:score",
}


def fold_named(text: str) -> Callable[[Iterable[Any]], Any]:
    """One of FORMS; or `flows.py:name` and `package.module:name` of a function of the results, or
    of a flow that has a fold."""
    name, *given = text.split(":", 2)
    if name in _NAMES:
        return _to_choose(text, name, given)
    place, colon, own = text.rpartition(":")
    if not colon or not place or not own:
        raise _unknown(text)
    return _own(place, own)


def _to_choose(text: str, name: str, given: list[str]) -> Callable[[Iterable[Any]], Any]:
    match name, given:
        case "collect", []:
            return collect()
        case "merge", []:
            return merge()
        case "count-by", [place]:
            return count_by(place)
        case "total", [place]:
            return total(place)
        case "mean", [place]:
            return mean(place)
        case "top" | "bottom", [number, place] if number.isdecimal():
            return top(int(number), place, largest=name == "top")
        case "histogram", [edges, place]:
            return histogram(place, _edges(text, edges))
        case _:
            raise _unknown(text)


def _edges(text: str, edges: str) -> list[float]:
    try:
        return [float(it) if "." in it or "e" in it.lower() else int(it) for it in edges.split(",")]
    except ValueError:
        raise OptionInvalid(f"--with {text}: write the edges of the bins as 0,10,100") from None


def _unknown(text: str) -> OptionInvalid:
    name = text.partition(":")[0]
    near = [name] if name in _NAMES else get_close_matches(name, _NAMES, n=1)
    own = "flows.py:function"
    if not near:
        return OptionInvalid(
            f"--with {text}: there is no such fold. Write {', '.join(FORMS)} (a PLACE is a field "
            f"such as label, or . for the whole output) or {own}"
        )
    form = FORMS[_NAMES.index(near[0])]
    if name in _NAMES:
        return OptionInvalid(f"--with {text}: write {form}, such as {_EXAMPLES[name]}")
    return OptionInvalid(f"--with {text}: there is no such fold. Did you mean {form}?")


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
