from __future__ import annotations

import pytest

from fanfold.domain.records import MAX_RECORD_BYTES
from fanfold.errors import SourceInvalid
from fanfold.sources.line import body_of, check_size, field_key, refuse


def test_the_first_problem_refuses_a_source_unless_somebody_asks_for_more() -> None:
    problem = SourceInvalid("a:1: wrong")
    with pytest.raises(SourceInvalid) as refused:
        refuse(problem)
    assert refused.value is problem


@pytest.mark.parametrize(
    ("data", "key"),
    [({"id": "a"}, "a"), ({"id": 7}, "7"), ({"id": None}, None), ({}, None), ([], None)],
)
def test_only_an_object_s_field_holds_its_key(data: object, key: str | None) -> None:
    assert field_key(data, "id") == key


def test_text_stays_as_it_is_and_half_a_surrogate_pair_becomes_an_escape() -> None:
    assert body_of({"é": "日"}) == '{"é": "日"}'
    assert body_of("\ud83d") == '"\\ud83d"'


@pytest.mark.parametrize("letter", ["x", "é"])
def test_the_limit_is_of_bytes(letter: str) -> None:
    most = MAX_RECORD_BYTES // len(letter.encode())
    check_size(letter * most)
    with pytest.raises(ValueError, match="a record has at most 524,288"):
        check_size(letter * (most + 1))
