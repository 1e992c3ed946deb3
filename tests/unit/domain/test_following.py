"""What a batch waits for, what becomes of it then, and that nobody waits for themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.domain.batch import ENDED, Batch, BatchState, Ending, pause, start, stop
from fanfold.domain.control import change
from fanfold.domain.flow import FlowRef
from fanfold.domain.following import (
    Due,
    Missed,
    Waiting,
    awaited,
    begin,
    check_no_cycle,
    outlook,
    resume,
    skip,
    waits,
)
from fanfold.domain.options import BatchOptions
from fanfold.domain.source import Source
from fanfold.errors import Contended, IllegalTransition, OptionInvalid

A, B, C = (f"batch-{letter * 16}" for letter in "abc")


def batch(name: str = C, state: BatchState = BatchState.PENDING, **options: Any) -> Batch:
    return Batch(
        id=name,
        flow=FlowRef("shout", "1", "flows.py:shout"),
        source=Source("blob", "records.jsonl"),
        options=BatchOptions(**options),
        request_digest="",
        created_at=1.0,
        state=state,
    )


def seen(first: BatchState, second: BatchState) -> dict[str, Batch]:
    return {A: batch(A, first), B: batch(B, second)}


OTHERWISE = sorted(ENDED - {BatchState.COMPLETED})
UNDER_WAY = sorted(set(BatchState) - ENDED)


def test_what_comes_after_nobody_does_not_wait() -> None:
    assert not waits(batch())
    assert awaited(batch()) == []


@pytest.mark.parametrize("state", UNDER_WAY)
def test_it_waits_for_each_that_has_not_ended(state: BatchState) -> None:
    others = seen(BatchState.COMPLETED, state)
    for how in ("success", "end"):
        assert outlook(batch(after=[A, B], after_on=how), others) == Waiting((others[B],))


def test_it_is_due_when_all_have_completed() -> None:
    others = seen(BatchState.COMPLETED, BatchState.COMPLETED)
    assert outlook(batch(after=[A, B]), others) == Due()


@pytest.mark.parametrize("state", OTHERWISE)
def test_it_is_missed_as_soon_as_one_has_ended_otherwise(state: BatchState) -> None:
    found = outlook(batch(after=[A, B]), seen(BatchState.RUNNING, state))
    assert found == Missed(B, state)
    assert found.reason.startswith(f"it comes after {B}, which ")
    assert f"`fanfold retry {B} --" in found.remedy


@pytest.mark.parametrize("state", OTHERWISE)
def test_after_any_end_it_is_due_however_they_ended(state: BatchState) -> None:
    others = seen(BatchState.COMPLETED, state)
    assert outlook(batch(after=[A, B], after_on="end"), others) == Due()


def test_of_one_that_is_forgotten_nobody_knows_that_it_completed() -> None:
    others = {A: batch(A, BatchState.COMPLETED)}
    assert outlook(batch(after=[A, B], after_on="end"), others) == Due()
    found = outlook(batch(after=[A, B]), others)
    assert found == Missed(B, None)
    assert found.remedy == "Create it anew"


# ------------------------------------------------------------------ arrows


def test_once_it_has_begun_it_waits_no_more_whatever_it_comes_after() -> None:
    it = batch(after=[A])
    begun = start(begin(it, it), 2.0)
    assert begun.state is BatchState.RUNNING
    assert not waits(begun)
    assert awaited(begun) == []


@pytest.mark.parametrize("changes", [{"after": [B]}, {"after": [A, B]}, {"after_on": "end"}])
def test_it_does_not_begin_nor_end_because_of_those_it_came_after_before(
    changes: dict[str, Any],
) -> None:
    before = batch(after=[A])
    now = batch(**{"after": [A], **changes})
    with pytest.raises(Contended):
        begin(now, before)
    assert skip(now, before, "A failed") is now
    again = replace(before, generation=2)
    assert skip(again, before, "A failed") is again


def test_it_ends_as_skipped_and_says_why() -> None:
    for it in (batch(after=[A]), pause(batch(after=[A]))):
        skipped = skip(it, it, "A failed")
        assert skipped.state is BatchState.CANCELING
        assert skipped.ending == Ending(BatchState.SKIPPED, "A failed")


def test_what_is_being_stopped_is_still_found_by_those_it_came_after() -> None:
    """Who skipped it may have died before they asked for its end."""
    it = batch(after=[A])
    assert awaited(it) == [A]
    assert awaited(skip(it, it, "A failed")) == [A]
    assert awaited(batch(state=BatchState.SKIPPED, after=[A])) == []


def test_resumed_it_waits_on() -> None:
    it = batch(after=[A])
    assert resume(pause(it)) == it
    assert resume(it) is it
    assert resume(pause(batch())).state is BatchState.RUNNING
    with pytest.raises(IllegalTransition):
        resume(stop(it, Ending(BatchState.CANCELED, "enough")))


def test_what_it_comes_after_changes_while_it_waits_and_not_later() -> None:
    it = batch(after=[A])
    assert change(it, {"after": [B], "after_on": "end"}, "as it is").options.after == [B]
    for other in (start(begin(it, it), 2.0), batch(), change(it, {"after": []}, "as it is")):
        with pytest.raises(IllegalTransition, match="waits for no other batch"):
            change(other, {"after": [B]}, "as it is")


# ------------------------------------------------------------------ cycles


def after_of(edges: dict[str, list[str]]) -> Callable[[str], list[str]]:
    return lambda name: edges.get(name, [])


def test_a_chain_that_leads_back_is_told() -> None:
    edges = {"b": ["x", "c"], "c": ["a"], "x": []}
    with pytest.raises(OptionInvalid, match=r"^after: a → b → c → a: "):
        check_no_cycle("a", ["x", "b"], after_of(edges))
    with pytest.raises(OptionInvalid, match=r"^after: a → a: "):
        check_no_cycle("a", ["a"], after_of({}))


def test_the_same_one_by_two_ways_is_no_cycle() -> None:
    check_no_cycle("a", ["b", "c"], after_of({"b": ["d"], "c": ["d"], "d": ["e"]}))


@given(st.dictionaries(st.integers(0, 5), st.lists(st.integers(0, 5), unique=True)))
def test_exactly_what_can_be_reached_again_is_refused(graph: dict[int, list[int]]) -> None:
    edges = {str(name): [str(it) for it in its] for name, its in graph.items()}
    reached, left = set(), list(edges.get("0", []))
    while left:
        if (name := left.pop()) not in reached:
            reached.add(name)
            left += edges.get(name, [])
    try:
        check_no_cycle("0", edges.get("0", []), after_of(edges))
    except OptionInvalid as refused:
        chain = str(refused).split(": ")[1].split(" → ")
        assert chain[0] == chain[-1] == "0"
        assert all(two in edges[one] for one, two in pairwise(chain))
    else:
        assert "0" not in reached
