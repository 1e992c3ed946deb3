"""A tree of any pages makes what one pass makes, byte for byte."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold import Result
from fanfold.domain.run import RunState
from fanfold.errors import FlowInvalid
from fanfold.folds import (
    collect,
    count_by,
    histogram,
    mean,
    merge,
    reduce,
    top,
    total,
    tree,
)
from fanfold.folds.apply import apply_fold
from fanfold.folds.trees import Tree

FAILED = object()


def results(outputs: Iterable[Any]) -> Iterator[Result]:
    for index, output in enumerate(outputs):
        if output is FAILED:
            yield Result(index, None, RunState.FAILED, error={"type": "E", "message": "bad"})
        else:
            yield Result(index, f"k{index}", RunState.SUCCEEDED, text=json.dumps(output))


def concatenating(page: int = 2) -> Tree:
    """Not commutative: it shows in which order things came together."""
    return tree(
        lambda its: [it.index for it in its], lambda earlier, later: earlier + later, page=page
    )


# ------------------------------------------------------------------ the pieces


def test_the_pages_of_a_batch_follow_each_other_and_are_all_of_it() -> None:
    assert concatenating(4).pages(10) == [range(4), range(4, 8), range(8, 10)]
    assert concatenating(5).pages(10) == [range(5), range(5, 10)]
    assert concatenating().pages(0) == []


def test_a_page_s_partial_is_json_text() -> None:
    assert concatenating().partial(results("ab")) == "[0, 1]"


@given(st.lists(st.lists(st.integers(), max_size=3), min_size=1))
def test_partials_are_joined_in_order_however_many_there_are(partials: list[list[int]]) -> None:
    joined = concatenating().joined(map(json.dumps, partials))
    assert json.loads(joined) == [number for partial in partials for number in partial]


def test_of_no_partials_what_is_joined_is_that_of_a_page_without_results() -> None:
    assert concatenating().joined([]) == "[]"


def test_the_output_is_the_partial_unless_something_finishes_it() -> None:
    assert concatenating().output("[1]") == [1]
    assert replace(concatenating(), finish=len).output("[1]") == 1
    assert replace(concatenating(), finish=len).output(None) == 0


def test_an_empty_batch_is_an_empty_page_that_is_finished() -> None:
    assert replace(concatenating(), finish=len)(results([])) == 0


@given(st.integers(0, 40), st.integers(1, 12))
def test_the_pieces_together_make_what_the_fold_makes(count: int, page: int) -> None:
    fold = concatenating(page)
    every = list(results(range(count)))
    partials = [fold.partial(every[it.start : it.stop]) for it in fold.pages(count)]

    assert fold.output(fold.joined(partials)) == fold(iter(every)) == list(range(count))


def test_neighbours_are_combined_in_order_and_evenly() -> None:
    fold = tree(lambda its: str(len(list(its))), lambda a, b: f"({a}{b})", page=1)
    assert fold(results(range(6))) == "(((11)(11))(11))"


def test_a_leaf_need_not_read_its_page_to_the_end() -> None:
    fold = tree(lambda its: [next(iter(its)).index], lambda a, b: a + b, page=3)
    assert fold(results(range(7))) == [0, 3, 6]


@dataclass
class Least:
    index: int


def test_what_the_functions_return_comes_back_as_plain_data() -> None:
    fold = tree(
        lambda its: Least(min(it.index for it in its)),
        lambda a, b: {"index": min(a["index"], b["index"])},
        lambda least: least["index"],
        page=2,
    )
    assert fold(results(range(2))) == fold(results(range(5))) == 0


async def coroutine(*_: Any) -> int:
    return 1


@pytest.mark.parametrize(
    ("leaf", "combine", "said"),
    [
        (lambda _: {1}, lambda _a, _b: 1, "the fold's leaf returned a set that is not JSON"),
        (lambda _: 1, lambda _a, _b: {1}, "the fold's combine returned a set that is not JSON"),
        (coroutine, lambda _a, _b: 1, "the fold's leaf is async"),
        (lambda _: 1, coroutine, "the fold's combine is async"),
    ],
)
def test_a_partial_that_cannot_be_kept_is_refused(
    leaf: Callable[..., Any], combine: Callable[..., Any], said: str
) -> None:
    with pytest.raises(FlowInvalid, match=said):
        tree(leaf, combine, page=1)(results(range(2)))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"leaf": 1}, "leaf=1"),
        ({"combine": None}, "combine=None"),
        ({"finish": "x"}, "finish='x'"),
        ({"page": 0}, "page=0"),
        ({"page": True}, "page=True"),
    ],
)
def test_a_tree_that_is_made_wrongly_says_so_where_it_is_made(
    given: dict[str, Any], said: str
) -> None:
    whole: dict[str, Any] = {"leaf": list, "combine": max, **given}
    with pytest.raises(FlowInvalid, match=said):
        tree(**whole)


def test_memory_does_not_grow_with_the_results() -> None:
    fold = count_by("n")

    def most(count: int) -> int:
        every = (
            Result(n, None, RunState.SUCCEEDED, text=f'{{"n": {n % 7}}}') for n in range(count)
        )
        tracemalloc.start()
        try:
            fold(every)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    most(1000)  # what is loaded once
    assert most(40_000) < 1.5 * most(10_000)


def test_results_are_read_a_page_at_a_time() -> None:
    taken = 0

    def counted() -> Iterator[Result]:
        nonlocal taken
        for result in results(range(10)):
            taken += 1
            yield result

    seen: list[int] = []

    def leaf(its: Iterable[Result]) -> int:
        number = len(list(its))
        seen.append(taken)
        return number

    assert tree(leaf, lambda a, b: a + b, page=4)(counted()) == 10
    assert seen == [4, 8, 10]


# ------------------------------------------------------- the folds to choose from

_NUMBERS = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
_LABELS = st.sampled_from(["a", "b", "3", 3, None, True, 1.5, [1], {"x": 1}])
_RECORDS = st.lists(
    st.just(FAILED)
    | st.none()
    | st.fixed_dictionaries({}, optional={"n": st.none() | _NUMBERS, "label": _LABELS})
)
_EITHER_KIND = st.lists(st.just(FAILED) | st.lists(_LABELS, max_size=3)) | _RECORDS

FOLDS: dict[str, Tree] = {
    "collect": collect(),
    "collect, closed up": collect(failed="leave out"),
    "count_by": count_by("label"),
    "total": total("n"),
    "mean": mean("n"),
    "top": top(3, "n"),
    "bottom": top(3, "n", largest=False),
    "histogram": histogram("n", [-1, 0, 0.5, 10**20]),
}


def folded(fold: Callable[[Iterable[Result]], Any], outputs: list[Any]) -> str:
    try:
        return apply_fold(fold, results(outputs))
    except FlowInvalid as error:
        return str(error)


@pytest.mark.parametrize("name", FOLDS)
@given(_RECORDS, st.integers(1, 5))
def test_a_tree_of_any_pages_makes_what_one_page_makes(
    name: str, outputs: list[Any], page: int
) -> None:
    fold = FOLDS[name]
    assert folded(replace(fold, page=page), outputs) == folded(fold, outputs)


@given(_EITHER_KIND, st.integers(1, 5))
def test_so_does_merge(outputs: list[Any], page: int) -> None:
    assert folded(replace(merge(), page=page), outputs) == folded(merge(), outputs)


@given(_RECORDS, st.integers(1, 5))
def test_so_does_a_merge_that_refuses_conflicts(outputs: list[Any], page: int) -> None:
    """Of several conflicts another may be the one that is told."""
    fold = merge(conflict="error")
    one, many = folded(fold, outputs), folded(replace(fold, page=page), outputs)
    if "has another value at" in one:
        assert "has another value at" in many
    else:
        assert one == many


@pytest.mark.parametrize("page", [1, 2, 5])
def test_a_conflict_between_pages_names_the_first_record_that_has_it(page: int) -> None:
    outputs = [{"a": 1}, {"b": 2}, {"b": 2}, {"c": 1, "b": 2, "a": 2}, {"a": 2}]
    fold = replace(merge(conflict="error"), page=page)
    assert "record 3 (k3) has another value at 'a'" in folded(fold, outputs)


def test_a_reduce_with_a_combine_is_a_tree() -> None:
    fold = reduce(lambda so_far, it: [*so_far, it], [], combine=lambda a, b: a + b)
    assert isinstance(fold, Tree)
    assert replace(fold, page=2)(results([1, FAILED, 3, 4, 5])) == [1, 3, 4, 5]


def test_a_reduce_without_one_is_not() -> None:
    assert not isinstance(reduce(lambda so_far, it: so_far + it, 0), Tree)
    with pytest.raises(FlowInvalid, match="combine=3"):
        reduce(max, 0, combine=3)  # type: ignore[arg-type]
