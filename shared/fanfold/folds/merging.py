"""merge: all objects as one, or all lists as one.

A partial is what was merged so far, and beside it what the next neighbours are compared by: how
much it holds, whose output was the first, and, where a conflict is an error, whose each key is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, TypedDict

from fanfold.errors import FlowInvalid
from fanfold.folds.canonical import canonical
from fanfold.folds.limits import check_bytes
from fanfold.folds.result import Result
from fanfold.folds.trees import Tree
from fanfold.folds.who import who


class _Merged(TypedDict):
    value: dict[str, Any] | list[Any] | None
    #: in bytes of JSON, as far as it was not replaced since
    size: int
    first: str
    #: the first that said it, by key, where a conflict is an error
    owners: dict[str, str]


def merge(*, conflict: Literal["later", "error"] = "later") -> Tree:
    """One object with the keys of all, where the later record wins, or a conflict (another value
    under the same key) is an error; or one list of all lists' items. An output that is null adds
    nothing; if none adds anything, null."""
    if conflict not in ("later", "error"):
        raise FlowInvalid(f"merge(conflict={conflict!r}): write 'later' or 'error'")
    refuses = conflict == "error"

    def leaf(results: Iterable[Result]) -> _Merged:
        merged: _Merged = {"value": None, "size": 0, "first": "", "owners": {}}
        for result in results:
            if (its := _merged_of(result, refuses_conflicts=refuses)) is not None:
                merged = _added(merged, its)
        return merged

    return Tree(leaf, _added, lambda merged: merged["value"])


def _merged_of(result: Result, *, refuses_conflicts: bool) -> _Merged | None:
    output, name = result.output, who(result)
    if output is None:
        return None
    if not isinstance(output, dict | list):
        kind = type(output).__name__
        raise FlowInvalid(f"merge() takes objects or lists; {name} is a {kind}")
    owners = dict.fromkeys(output, name) if refuses_conflicts and isinstance(output, dict) else {}
    return {"value": output, "size": len(result.text or "") + 1, "first": name, "owners": owners}


def _added(earlier: _Merged, later: _Merged) -> _Merged:
    """The earlier one, changed: what is not needed any more is not copied for each result."""
    whole, more = earlier["value"], later["value"]
    if whole is None or more is None:
        check_bytes("merge", later["size"])
        return later if whole is None else earlier
    size = earlier["size"] + later["size"]
    if isinstance(whole, dict) and isinstance(more, dict):
        size -= _given_way(whole, more, later["owners"])
        whole.update(more)
    elif isinstance(whole, list) and isinstance(more, list):
        whole.extend(more)
    else:
        raise FlowInvalid(
            f"merge() takes objects or lists, not both; {later['first']} is not like those before "
            "it"
        )
    earlier["size"] = check_bytes("merge", size)
    for key, owner in later["owners"].items():
        earlier["owners"].setdefault(key, owner)
    return earlier


def _given_way(whole: dict[str, Any], more: dict[str, Any], owners: dict[str, str]) -> int:
    """How many bytes of the whole are about to be replaced."""
    before = {key: canonical(whole[key]) for key in more if key in whole}
    if owners:
        wrong = [key for key, text in before.items() if text != canonical(more[key])]
        if wrong:  # in the order in which it was met
            owner = owners[wrong[0]]
            key = min(it for it in wrong if owners[it] == owner)
            raise FlowInvalid(f"merge(conflict='error'): {owner} has another value at {key!r}")
    return sum(map(len, before.values()))
