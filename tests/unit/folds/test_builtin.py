"""The folds to choose from, each on a handful of results; failed ones are always among them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold import Result, flow
from fanfold.domain.run import RunState
from fanfold.errors import FlowInvalid, OptionInvalid
from fanfold.folds import collect, count_by, limits, merge, reduce
from fanfold.folds.apply import apply_fold
from fanfold.folds.builtin import Fold
from fanfold.folds.limits import TooMuchToFold

FAILED = object()


def results(*outputs: Any) -> Iterator[Result]:
    for index, output in enumerate(outputs):
        if output is FAILED:
            error = {"type": "ValueError", "message": "bad"}
            yield Result(index, f"k{index}", RunState.FAILED, error=error)
        else:
            yield Result(index, f"k{index}", RunState.SUCCEEDED, text=json.dumps(output))


def folded(fold: Fold, *outputs: Any) -> Any:
    return json.loads(apply_fold(fold, results(*outputs)))


def test_a_fold_is_given_to_a_flow_as_it_is_made() -> None:
    @flow(fold=count_by("label"))
    def classify(record: Any) -> Any:
        return record

    assert classify.fold is not None
    assert classify.fold(results({"label": "a"})) == {"a": 1}


def test_importing_the_folds_package_loads_none_of_them() -> None:
    program = (
        "import fanfold, sys; print([it for it in sys.modules if it.startswith('fanfold.folds')]); "
        "from fanfold.folds import collect, read_csv_export; print(collect.__module__)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert shown.stdout.splitlines() == [
        "['fanfold.folds', 'fanfold.folds.result']",
        "fanfold.folds.builtin",
    ]


def test_a_name_that_is_not_there_is_said_so() -> None:
    with pytest.raises(ImportError, match="no_such_fold"):
        from fanfold.folds import no_such_fold  # noqa: F401


# ----------------------------------------------------------------- collect


def test_collect_keeps_each_output_in_its_record_s_place() -> None:
    assert folded(collect(), 1, FAILED, None, {"a": [2]}) == [1, None, None, {"a": [2]}]


def test_collect_may_leave_out_what_failed() -> None:
    assert folded(collect(failed="leave out"), 1, FAILED, None, 3) == [1, None, 3]


def test_collect_may_be_called_again() -> None:
    fold = collect()
    assert folded(fold, 1) == folded(fold, 1) == [1]


@pytest.mark.parametrize("outputs", [["x" * 60, "x" * 60], [FAILED] * 30])
def test_collect_refuses_what_one_output_cannot_hold(
    outputs: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_BYTES", 100)
    with pytest.raises(TooMuchToFold, match=r"fanfold results BATCH --out results/"):
        folded(collect(), *outputs)


def test_collect_refuses_as_soon_as_it_sees_it() -> None:
    read = 0

    def endless() -> Iterator[Result]:
        nonlocal read
        while True:
            read += 1
            yield Result(read, None, RunState.SUCCEEDED, text='"' + "x" * 1_000_000 + '"')

    with pytest.raises(TooMuchToFold):
        collect()(endless())
    assert read == 17


# ------------------------------------------------------------------- merge


def test_merge_lets_the_later_record_win() -> None:
    assert folded(merge(), {"a": 1, "b": 1}, FAILED, None, {"b": 2}) == {"a": 1, "b": 2}


def test_merge_puts_lists_behind_each_other() -> None:
    assert folded(merge(), [1], FAILED, [], [2, 3]) == [1, 2, 3]


def test_merge_of_nothing_is_null() -> None:
    assert folded(merge(), FAILED, None) is None


def test_merge_may_refuse_a_conflict_and_names_the_record() -> None:
    strict = merge(conflict="error")
    assert folded(strict, {"a": {"x": 1, "y": 2}}, {"a": {"y": 2, "x": 1}}) == {
        "a": {"x": 1, "y": 2}
    }
    with pytest.raises(FlowInvalid, match=r"record 1 \(k1\) has another value at 'a'"):
        folded(strict, {"a": 1}, {"a": True})


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        ([{}, 7], r"takes objects or lists; record 1 \(k1\) is a int"),
        ([{}, []], "not both; record 1"),
        ([[], {}], "not both; record 1"),
    ],
)
def test_merge_refuses_what_cannot_be_merged(outputs: list[Any], said: str) -> None:
    with pytest.raises(FlowInvalid, match=said):
        folded(merge(), *outputs)


def test_merge_measures_what_it_holds_and_not_what_it_has_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "MAX_BYTES", 1000)
    same = [{"a": "x" * 100}] * 50
    assert folded(merge(), *same) == same[0]
    with pytest.raises(TooMuchToFold, match="merge"):
        folded(merge(), *[{str(n): "x" * 100} for n in range(50)])


# ------------------------------------------------------------------ reduce


def test_reduce_goes_from_the_first_to_the_last() -> None:
    assert folded(reduce(lambda so_far, output: so_far + output, ""), "a", FAILED, "b") == "ab"


def test_reduce_begins_anew_each_time_it_is_called() -> None:
    def add(so_far: list[int], output: int) -> list[int]:
        so_far.append(output)
        return so_far

    fold = reduce(add, [])
    assert folded(fold, 1, 2) == folded(fold, 1, 2) == [1, 2]


# ---------------------------------------------------------------- count_by


def test_count_by_counts_the_most_frequent_first() -> None:
    outputs = [{"label": it} for it in ("tea", "milk", "milk", "salt")]
    counts = folded(count_by("label"), *outputs, FAILED)
    assert list(counts.items()) == [("milk", 2), ("tea", 1), ("salt", 1)]


def test_count_by_counts_what_has_nothing_there_as_null() -> None:
    assert folded(count_by("label"), {"label": None}, {}, 7, {"label": "x"}) == {"null": 3, "x": 1}


def test_count_by_keeps_a_text_and_the_value_that_looks_like_it_apart() -> None:
    values = ["3", 3, "null", None, "true", True, "tea", "[", {"b": 1, "a": 2}, {"a": 2, "b": 1}]
    assert folded(count_by("."), *values) == {
        '"3"': 1, "3": 1, '"null"': 1, "null": 1, '"true"': 1, "true": 1, "tea": 1, "[": 1,
        '{"a":2,"b":1}': 2,
    }  # fmt: skip


@given(st.lists(st.none() | st.booleans() | st.integers() | st.text()))
def test_count_by_counts_each_output_once_under_a_key_that_means_it(values: list[Any]) -> None:
    def meant(key: str) -> Any:
        try:
            return json.loads(key)
        except ValueError:
            return key

    counts = count_by(".")(results(*values))
    assert sum(counts.values()) == len(values)
    for key, count in counts.items():
        same = [it for it in values if it == meant(key) and type(it) is type(meant(key))]
        assert len(same) == count


def test_count_by_refuses_to_count_what_is_different_every_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "MAX_VALUES", 3)
    assert len(folded(count_by("."), 1, 2, 3)) == 3
    with pytest.raises(TooMuchToFold, match="more than 3 values"):
        folded(count_by("."), 1, 2, 3, 4)


# ----------------------------------------------------------------- misuses


def test_a_fold_that_is_made_wrongly_says_so_where_it_is_made() -> None:
    with pytest.raises(FlowInvalid, match="'null' or 'leave out'"):
        collect(failed="skip")  # type: ignore[arg-type]
    with pytest.raises(FlowInvalid, match="'later' or 'error'"):
        merge(conflict="earlier")  # type: ignore[arg-type]
    with pytest.raises(FlowInvalid, match="a function"):
        reduce(0, 0)  # type: ignore[arg-type]
    with pytest.raises(OptionInvalid, match="no place"):
        count_by("a..b")
