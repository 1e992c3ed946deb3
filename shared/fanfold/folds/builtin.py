"""Folds to choose from: factories of what `@flow(fold=…)` takes.

| fold              | makes                                               | failed records    |
|-------------------|-----------------------------------------------------|-------------------|
| collect()         | a list of all outputs, in record order              | null, or left out |
| merge()           | one object of all objects, or one list of all lists | left out          |
| reduce(fn, first) | what fn makes of it and each output in turn         | left out          |
| count_by(place)   | how often each value occurs there                   | left out          |

"Failed" is every record without an output: also what was canceled or skipped. What is left out is
not lost: the batch counts it, and `fanfold results` has it. Each fold reads one result at a time,
and may be called again: none keeps anything from one call to the next. What would not fit in one
output is refused, as soon as that is seen: such results are exported.
"""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Literal

from fanfold.errors import FlowInvalid, UsageError
from fanfold.folds.dotted import place_at
from fanfold.folds.result import Result

#: What collect and merge hold at most, in bytes of JSON: an output is one value, read as a whole.
MAX_BYTES = 16 * 1024 * 1024
#: What count_by counts apart at most.
MAX_VALUES = 100_000

Fold = Callable[[Iterable[Result]], Any]


class TooMuchToFold(UsageError):
    """More than one output can hold. Export it: `fanfold results BATCH --out results/`."""


def collect(*, failed: Literal["null", "leave out"] = "null") -> Fold:
    """All outputs in record order. With `failed="null"` a record's output has the record's place in
    the list; with `"leave out"` the others close up."""
    if failed not in ("null", "leave out"):
        raise FlowInvalid(f"collect(failed={failed!r}): write 'null' or 'leave out'")

    def collected(results: Iterable[Result]) -> list[Any]:
        outputs, size = [], _Size("collect")
        for result in results:
            if result.ok:
                size.add(result.text or "")
                outputs.append(result.output)
            elif failed == "null":
                size.add("null")
                outputs.append(None)
        return outputs

    return collected


def merge(*, conflict: Literal["later", "error"] = "later") -> Fold:
    """One object with the keys of all, where the later record wins, or a conflict (another value
    under the same key) is an error; or one list of all lists' items. An output that is null adds
    nothing; if none adds anything, null."""
    if conflict not in ("later", "error"):
        raise FlowInvalid(f"merge(conflict={conflict!r}): write 'later' or 'error'")

    def merged(results: Iterable[Result]) -> Any:
        whole = _Merged(refuses_conflicts=conflict == "error")
        for result in results:
            whole.add(result)
        return whole.value

    return merged


def reduce(fn: Callable[[Any, Any], Any], initial: Any) -> Fold:
    """fn(… fn(fn(initial, first output), second output) …). `initial` is copied for each fold, so
    that fn may change it."""
    if not callable(fn):
        raise FlowInvalid(f"reduce({fn!r}, …): write a function of what there is and an output")

    def reduced(results: Iterable[Result]) -> Any:
        value = copy.deepcopy(initial)
        for result in results:
            if result.ok:
                value = fn(value, result.output)
        return value

    return reduced


def count_by(place: str) -> Fold:
    """{value: how often}, the most frequent first, of what is at a dotted place of the outputs
    (`label`, `details.score`; `.` is the output itself). An output that has nothing there counts as
    null.

    JSON knows only text as keys: a text is its own key, any other value's key is its JSON. A text
    that could be taken for such a key is in quotes: "3" for the text, 3 for the number.
    """
    where = place_at(place)

    def counted(results: Iterable[Result]) -> dict[str, int]:
        counts: Counter[str] = Counter()
        for result in results:
            if not result.ok:
                continue
            counts[_canonical(where.of(result.output))] += 1
            if len(counts) > MAX_VALUES:
                raise TooMuchToFold(
                    f"count_by({place!r}) met more than {MAX_VALUES:,} values. Count by something "
                    "that has fewer, or export the results: `fanfold results BATCH --out results/`"
                )
        return {_key_of(value): count for value, count in counts.most_common()}

    return counted


class _Merged:
    def __init__(self, *, refuses_conflicts: bool) -> None:
        self.value: dict[str, Any] | list[Any] | None = None
        self._refuses_conflicts = refuses_conflicts
        self._size = _Size("merge")

    def add(self, result: Result) -> None:
        output = result.output
        if output is None:
            return
        if not isinstance(output, dict | list):
            kind = type(output).__name__
            raise FlowInvalid(f"merge() takes objects or lists; {_who(result)} is a {kind}")
        if self.value is None:
            self.value = type(output)()
        self._size.add(result.text or "")
        if isinstance(self.value, dict) and isinstance(output, dict):
            self._give_way(self.value, output, result)
            self.value.update(output)
        elif isinstance(self.value, list) and isinstance(output, list):
            self.value.extend(output)
        else:
            raise FlowInvalid(
                f"merge() takes objects or lists, not both; {_who(result)} is not like those "
                "before it"
            )

    def _give_way(self, whole: dict[str, Any], output: dict[str, Any], result: Result) -> None:
        for key in sorted(output.keys() & whole.keys()):
            before = _canonical(whole[key])
            if self._refuses_conflicts and before != _canonical(output[key]):
                raise FlowInvalid(
                    f"merge(conflict='error'): {_who(result)} has another value at {key!r}"
                )
            self._size.forget(before)


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


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


class _Size:
    def __init__(self, fold: str) -> None:
        self._fold = fold
        self._bytes = 0

    def add(self, text: str) -> None:
        self._bytes += len(text) + 1
        if self._bytes > MAX_BYTES:
            raise TooMuchToFold(
                f"{self._fold}() holds at most {MAX_BYTES // 1024**2} MiB of outputs, and there is "
                "more. Export them: `fanfold results BATCH --out results/` writes any number"
            )

    def forget(self, text: str) -> None:
        self._bytes -= len(text)


def _who(result: Result) -> str:
    name = f"record {result.index}"
    return name if result.key is None else f"{name} ({result.key})"
