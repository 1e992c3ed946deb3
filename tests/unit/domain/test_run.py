from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from fanfold.domain import run as module
from fanfold.domain.ids import run_id_of
from fanfold.domain.outcome import Succeeded, Value
from fanfold.domain.run import (
    TERMINAL,
    TRANSITIONS,
    Live,
    Run,
    RunState,
    hold,
    wait,
    wake,
)
from fanfold.errors import IllegalTransition

BATCH = "batch-aaaaaaaaaaaaaaaa"
ARROWS: dict[str, Callable[[Live], Live]] = {
    "hold": lambda live: hold(live, "worker-1", 20.0),
    "wait": lambda live: wait(live, 20.0),
    "wake": lambda live: wake(live, 20.0),
}
#: An arrow that finds its work done: the run stays where it is.
REPEATED = {(RunState.QUEUED, "wake")}


def live(state: RunState) -> Live:
    owner = "worker-0" if state is RunState.RUNNING else None
    return Live(BATCH, 7, 1, state, until=10.0, owner=owner, attempts=2, started_at=5.0)


def drawing() -> str:
    assert module.__doc__ is not None
    return module.__doc__.split("| state")[0].split("\n\n", 1)[1]


def test_the_drawing_names_the_states_and_arrows_of_the_table_and_no_others() -> None:
    arrows = {arrow for arrows in TRANSITIONS.values() for arrow in arrows}
    assert set(re.findall(r"\w+", drawing())) == {*RunState, *arrows}


def test_every_arrow_that_is_drawn_is_in_the_table() -> None:
    drawn = re.findall(r"(?=\b(\w+) ──(\w+)──▶ ((?:\w+ \| )*\w+))", drawing())
    assert [source for source, _, _ in drawn] == ["queued", "running"]
    for source, arrow, targets in drawn:
        assert TRANSITIONS[RunState(source)][arrow] == {RunState(it) for it in targets.split(" | ")}


def test_the_table_in_words_has_a_row_for_every_state() -> None:
    assert module.__doc__ is not None
    rows = re.findall(r"^\| (\w+) +\|", module.__doc__, re.MULTILINE)[1:]
    assert {*rows} - {"terminal"} == {*RunState} - TERMINAL
    assert "terminal" in rows


def test_a_terminal_state_has_no_way_out() -> None:
    assert {state for state in RunState if not TRANSITIONS[state]} == TERMINAL


def test_every_run_can_be_settled_until_it_is() -> None:
    for state in set(RunState) - TERMINAL:
        assert TRANSITIONS[state]["settle"] == TERMINAL


@pytest.mark.parametrize("state", RunState)
@pytest.mark.parametrize("arrow", ARROWS)
def test_an_arrow_leads_where_the_table_says_or_nowhere(state: RunState, arrow: str) -> None:
    before = live(state)
    if (state, arrow) in REPEATED:
        assert ARROWS[arrow](before).state is state
    elif arrow in TRANSITIONS[state]:
        assert ARROWS[arrow](before).state in TRANSITIONS[state][arrow]
    else:
        with pytest.raises(IllegalTransition, match=f"a {state} run cannot {arrow}"):
            ARROWS[arrow](before)


def test_whoever_holds_a_run_has_a_lease_until_it_ends() -> None:
    held = hold(live(RunState.QUEUED), "worker-1", 20.0)
    assert (held.owner, held.until) == ("worker-1", 20.0)
    assert hold(held, "worker-1", 30.0).until == 30.0


def test_a_run_that_waits_or_is_queued_is_nobodys() -> None:
    running = live(RunState.RUNNING)
    assert wait(running, 20.0).owner is None
    assert wake(running, 20.0).owner is None


def test_what_a_run_has_been_through_stays_with_it() -> None:
    after = wake(wait(hold(live(RunState.QUEUED), "w", 20.0), 30.0), 40.0)
    assert (after.attempts, after.started_at, after.until) == (2, 5.0, 40.0)


def test_a_queued_run_that_may_be_lost_is_published_again_later() -> None:
    assert wake(live(RunState.QUEUED), 99.0).until == 99.0


def test_a_settled_run_knows_its_name_and_state() -> None:
    run = Run(BATCH, 7, 1, "k", Succeeded(Value("1")), 1, 0.0, 1.0, 1.0)
    assert run.state is RunState.SUCCEEDED
    assert run.run_id == run_id_of(BATCH, 7)
