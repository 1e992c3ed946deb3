from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from typing import get_args

import pytest

from fanfold.domain.outcome import (
    Attempt,
    Blame,
    Canceled,
    Failed,
    Failure,
    Outcome,
    Skipped,
    Succeeded,
    Value,
    printable,
)
from fanfold.domain.run import TERMINAL, RunState, state_of

OUTCOMES: dict[RunState, Outcome] = {
    RunState.SUCCEEDED: Succeeded(Value("1")),
    RunState.FAILED: Failed(Failure(Blame.ERROR, "ValueError", "bad")),
    RunState.CANCELED: Canceled("asked to"),
    RunState.SKIPPED: Skipped("no longer needed"),
}


def test_every_outcome_is_an_end_of_its_own() -> None:
    assert {type(outcome) for outcome in OUTCOMES.values()} == set(get_args(Outcome))
    assert {state: state_of(outcome) for state, outcome in OUTCOMES.items()} == {
        state: state for state in TERMINAL
    }


@pytest.mark.parametrize("outcome", OUTCOMES.values())
def test_an_outcome_is_for_good(outcome: Outcome) -> None:
    (field, *_) = fields(outcome)
    with pytest.raises(FrozenInstanceError):
        setattr(outcome, field.name, "something else")


def test_what_a_flow_raised_can_be_printed_and_stored_whatever_it_is() -> None:
    assert printable("é \ud83d") == "é \\ud83d"
    assert printable("plain") == "plain"


def test_an_attempt_is_no_outcome() -> None:
    assert set(get_args(Attempt)).isdisjoint(get_args(Outcome))
