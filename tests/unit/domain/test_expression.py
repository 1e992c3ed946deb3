"""Conditions work out what is listed, and refuse everything else."""

from __future__ import annotations

from typing import Any

import pytest

from fanfold.domain.expression import condition
from fanfold.errors import OptionInvalid

VALUES: dict[str, Any] = {
    "attempts": 3,
    "status": "failed",
    "output": {"score": 0.25, "tags": ["a", "b"], "name": "Über"},
    "error": None,
}


@pytest.mark.parametrize(
    "text",
    [
        "attempts > 2",
        "attempts == 3 and status == 'failed'",
        "attempts > 5 or status in ['failed', 'canceled']",
        "not attempts < 3",
        "output['score'] < 0.5",
        "output['tags'][0] == 'a'",
        "'b' in output['tags']",
        "'c' not in output['tags']",
        "len(output['tags']) == 2",
        "lower(output['name']) == 'über'",
        "1 < attempts <= 3",
        "attempts * 2 - 1 == 5 and attempts / 2 == 1.5 and attempts % 2 == 1 and -attempts == -3",
        "error is None and output is not None",
        "attempts != 4 and attempts >= 3",
        "output['missing'] is None",
        "(attempts, status) == (3, 'failed')",
        "error > 1 or attempts == 3",
    ],
)
def test_what_is_true_holds(text: str) -> None:
    assert condition(text, VALUES)(VALUES)


@pytest.mark.parametrize(
    "text",
    [
        "attempts > 3",
        "output['missing'] > 1",
        "output['score'] > 'text'",
        "attempts / 0 == 1",
        "'x' * 9 == 'x'",
        "len(attempts) == 1",
        "error['deep']['deeper']",
    ],
)
def test_what_is_not_or_cannot_be_compared_does_not(text: str) -> None:
    assert not condition(text, VALUES)(VALUES)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no condition"),
        ("attempts >", "no condition"),
        ("score > 1", "there is no 'score'; there are: attempts"),
        ("__import__('os').system('true')", "the only functions are len, lower"),
        ("output.__class__", "Attribute is not for conditions"),
        ("open('file')", "the only functions are len, lower"),
        ("len", "there is no 'len'"),
        ("[x for x in output]", "is not for conditions"),
        ("lambda: 1", "is not for conditions"),
        ("2 ** 9", "Pow is not for conditions"),
        ("attempts > 1" + " or attempts > 1" * 100, "longer than 1000 characters"),
        ("(" * 400 + "1" + ")" * 400, "no condition"),
    ],
)
def test_everything_else_is_refused(text: str, why: str) -> None:
    with pytest.raises(OptionInvalid) as refusal:
        condition(text, VALUES)
    assert why in str(refusal.value)
