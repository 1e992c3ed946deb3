from __future__ import annotations

import json

import pytest

from fanfold import Result
from fanfold.domain.run import RunState


def test_a_result_that_succeeded_has_its_output() -> None:
    result = Result(3, "k", RunState.SUCCEEDED, text='{"a": [1, null]}')
    assert result.ok
    assert result.output == {"a": [1, None]}


@pytest.mark.parametrize("state", [it for it in RunState if it is not RunState.SUCCEEDED])
def test_any_other_result_has_none(state: RunState) -> None:
    result = Result(3, "k", state, error={"type": "ValueError", "message": "bad"})
    assert not result.ok
    assert result.output is None


def test_a_result_is_one_line_of_json() -> None:
    result = Result(3, 'k"\n', RunState.SUCCEEDED, text='{"a":1}')
    assert "\n" not in result.line()
    assert json.loads(result.line()) == {
        "index": 3,
        "key": 'k"\n',
        "status": "succeeded",
        "output": {"a": 1},
        "error": None,
    }


def test_a_result_that_failed_is_a_line_like_any_other() -> None:
    result = Result(3, None, RunState.FAILED, error={"type": "KeyError", "message": "'é'\n"})
    assert json.loads(result.line()) == {
        "index": 3,
        "key": None,
        "status": "failed",
        "output": None,
        "error": {"type": "KeyError", "message": "'é'\n"},
    }
