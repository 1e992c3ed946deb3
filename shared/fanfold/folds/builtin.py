"""Folds to choose from: factories of what `@flow(fold=…)` takes.

| fold                  | makes                                               | failed records    |
|-----------------------|-----------------------------------------------------|-------------------|
| collect()             | a list of all outputs, in record order              | null, or left out |
| merge()               | one object of all objects, or one list of all lists | left out          |
| reduce(fn, first)     | what fn makes of it and each output in turn         | left out          |
| count_by(place)       | how often each value occurs there                   | left out          |
| total(place), mean(…) | the sum, the mean of the numbers there              | left out          |
| top(n, place)         | the records with the largest numbers there          | left out          |
| histogram(place, …)   | how many numbers there lie between which edges      | left out          |
| tree(leaf, combine)   | what these make of pages of results (trees.py)      | leaf's to say     |

"Failed" is every record without an output: also what was canceled or skipped. What is left out is
not lost: the batch counts it, and `fanfold results` has it. Each fold reads one result at a time,
and may be called again: none keeps anything from one call to the next. What would not fit in one
output is refused, as soon as that is seen: such results are exported. All but a reduce without
`combine` are trees.
"""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Literal, TypedDict

from fanfold.errors import FlowInvalid
from fanfold.folds.canonical import canonical
from fanfold.folds.dotted import place_at
from fanfold.folds.limits import check_bytes, check_values
from fanfold.folds.merging import merge
from fanfold.folds.numbers import histogram, mean, top, total
from fanfold.folds.result import Result
from fanfold.folds.trees import Tree, tree

__all__ = [
    "Fold",
    "collect",
    "count_by",
    "histogram",
    "mean",
    "merge",
    "reduce",
    "top",
    "total",
    "tree",
]

Fold = Callable[[Iterable[Result]], Any]


class _Collected(TypedDict):
    outputs: list[Any]
    #: in bytes of JSON
    size: int


def collect(*, failed: Literal["null", "leave out"] = "null") -> Tree:
    """All outputs in record order. With `failed="null"` a record's output has the record's place in
    the list; with `"leave out"` the others close up."""
    if failed not in ("null", "leave out"):
        raise FlowInvalid(f"collect(failed={failed!r}): write 'null' or 'leave out'")

    def leaf(results: Iterable[Result]) -> _Collected:
        outputs, size = [], 0
        for result in results:
            if result.ok or failed == "null":
                text = (result.text or "") if result.ok else "null"
                size = check_bytes("collect", size + len(text) + 1)
                outputs.append(result.output if result.ok else None)
        return {"outputs": outputs, "size": size}

    def combine(earlier: _Collected, later: _Collected) -> _Collected:
        size = check_bytes("collect", earlier["size"] + later["size"])
        return {"outputs": earlier["outputs"] + later["outputs"], "size": size}

    return Tree(leaf, combine, lambda collected: collected["outputs"])


def reduce(
    fn: Callable[[Any, Any], Any],
    initial: Any,
    *,
    combine: Callable[[Any, Any], Any] | None = None,
) -> Fold:
    """fn(… fn(fn(initial, first output), second output) …). `initial` is copied for each fold, so
    that fn may change it.

    With `combine` it is a tree: each page is reduced from `initial` on, and combine(earlier, later)
    makes one value of those of two neighbours. So `initial` must add nothing, however often, and
    the values must be JSON data.
    """
    if not callable(fn):
        raise FlowInvalid(f"reduce({fn!r}, …): write a function of what there is and an output")
    if combine is not None and not callable(combine):
        raise FlowInvalid(
            f"reduce(combine={combine!r}): write a function of two neighbours' values"
        )

    def reduced(results: Iterable[Result]) -> Any:
        value = copy.deepcopy(initial)
        for result in results:
            if result.ok:
                value = fn(value, result.output)
        return value

    return reduced if combine is None else Tree(reduced, combine)


def count_by(place: str) -> Tree:
    """{value: how often}, the most frequent first, of what is at a dotted place of the outputs
    (`label`, `details.score`; `.` is the output itself). An output that has nothing there counts as
    null. Of those that are as frequent, the one that came first is first.

    JSON knows only text as keys: a text is its own key, any other value's key is its JSON. A text
    that could be taken for such a key is in quotes: "3" for the text, 3 for the number.
    """
    where = place_at(place)

    # JSON objects keep their order: a value's place in a partial is that of its first occurrence.
    def leaf(results: Iterable[Result]) -> dict[str, int]:
        counts: dict[str, int] = {}
        for result in results:
            if result.ok:
                value = canonical(where.of(result.output))
                counts[value] = counts.get(value, 0) + 1
                check_values(place, len(counts))
        return counts

    def combine(earlier: dict[str, int], later: dict[str, int]) -> dict[str, int]:
        for value, count in later.items():
            earlier[value] = earlier.get(value, 0) + count
        check_values(place, len(earlier))
        return earlier

    def finish(counts: dict[str, int]) -> dict[str, int]:
        return {_key_of(value): count for value, count in Counter(counts).most_common()}

    return Tree(leaf, combine, finish)


def _key_of(value: str) -> str:
    parsed = json.loads(value)
    if not isinstance(parsed, str):
        return value
    try:
        json.loads(parsed)
    except ValueError:
        return parsed
    except RecursionError:  # it might be
        pass
    return value
