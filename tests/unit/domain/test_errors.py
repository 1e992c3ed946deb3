from __future__ import annotations

import inspect
import re

import pytest

from fanfold import errors
from fanfold.errors import (
    HANDLING,
    Conflict,
    EngineError,
    FanfoldError,
    FlowSignal,
    MessageInvalid,
    RateLimited,
    Retryable,
    UsageError,
    handling_of,
)

CLASSES = [it for _, it in inspect.getmembers(errors, inspect.isclass) if issubclass(it, Exception)]
ERRORS = [it for it in CLASSES if issubclass(it, FanfoldError)]


def drawn() -> dict[str, str | None]:
    """The parent of each class, as the drawing in the module's docstring has it."""
    parents: dict[str, str | None] = {}
    path: list[str] = []
    assert errors.__doc__ is not None
    for line in errors.__doc__.splitlines():
        found = re.match(r"    ([│├└─ ]*)([A-Z]\w+)", line)
        if found:
            depth = len(found[1]) // 4
            path[depth:] = [found[2]]
            parents[found[2]] = path[depth - 1] if depth else None
    return parents


def test_the_drawing_is_the_tree() -> None:
    names = {it.__name__ for it in CLASSES}
    assert drawn() == {
        it.__name__: base.__name__ if (base := it.__base__) and base.__name__ in names else None
        for it in CLASSES
    }


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_without_a_message_says_what_its_class_is_for(error: type[FanfoldError]) -> None:
    message = str(error())
    assert message == error.__doc__
    assert re.fullmatch(r"[A-Z][^\n]*\.", message), "a sentence or two, in one line"
    assert str(error("this went wrong")) == "this went wrong"


@pytest.mark.parametrize("error", CLASSES)
def test_every_class_says_something_of_its_own(error: type[Exception]) -> None:
    assert error.__doc__
    assert [it.__doc__ for it in CLASSES].count(error.__doc__) == 1


@pytest.mark.parametrize("error", ERRORS)
def test_the_table_says_what_every_error_means(error: type[FanfoldError]) -> None:
    handling = handling_of(error())
    assert handling.exit_code in (1, 2)
    assert 400 <= handling.http_status < 600
    assert handling.message in ("ack", "nack", "dead")


@pytest.mark.parametrize("error", [it for it in ERRORS if it is not FanfoldError])
def test_no_error_is_left_to_the_last_row_of_the_table(error: type[FanfoldError]) -> None:
    assert handling_of(error()) is not HANDLING[Exception]


def test_the_nearest_ancestor_decides() -> None:
    assert handling_of(errors.FlowNotFound()).http_status == 404
    assert handling_of(errors.SourceInvalid()) is HANDLING[UsageError]
    assert handling_of(errors.IllegalTransition()) is HANDLING[Conflict]
    assert handling_of(errors.Contended()) is HANDLING[EngineError]
    assert handling_of(MessageInvalid()).message == "dead"


def test_a_defect_is_an_internal_error_and_its_message_is_delivered_again() -> None:
    handling = handling_of(ZeroDivisionError())
    assert (handling.exit_code, handling.http_status, handling.message) == (1, 500, "nack")
    assert handling_of(KeyboardInterrupt()) is handling


def test_what_the_caller_did_wrong_is_not_told_as_our_failure() -> None:
    usage = [it for it in ERRORS if issubclass(it, UsageError)]
    assert {handling_of(it()).exit_code for it in usage} == {2}
    assert {handling_of(it()).http_status // 100 for it in usage} == {4}


def test_a_signal_carries_when_to_come_back() -> None:
    assert Retryable("later", after=60).after == 60
    assert Retryable().after is None
    assert RateLimited("slow down", retry_after=5).retry_after == 5
    assert str(RateLimited("slow down")) == "slow down"


def test_a_signal_is_no_defect_of_fanfolds() -> None:
    assert not issubclass(FlowSignal, FanfoldError)
