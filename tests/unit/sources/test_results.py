from __future__ import annotations

import pytest

from fanfold.domain.records import MAX_RECORD_BYTES
from fanfold.errors import SourceInvalid
from fanfold.sources.line import Line
from fanfold.sources.results import Results, from_results


def lines_of(*items: tuple[int, str | None, str], key_field: str = "id") -> list[Line]:
    results = Results("batch:b", "generation 1", lambda: iter(items))
    return list(from_results(results, key_field=key_field))


def test_a_result_is_a_record_that_keeps_its_key() -> None:
    (line,) = lines_of((7, "a", '{"id": "b"}'))
    assert (line.key, line.data, line.body) == ("a", {"id": "b"}, '{"id": "b"}')
    assert (line.keyed, line.place) == (True, "batch:b: record 7")


def test_a_result_without_a_key_has_the_one_in_it() -> None:
    (line,) = lines_of((0, None, '{"id": "b"}'))
    assert (line.key, line.keyed) == ("b", False)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('"' + "x" * MAX_RECORD_BYTES + '"', "the record has 524,290 bytes"),
        ("[" * 300 + "]" * 300, "nested deeper than 200 levels"),
    ],
)
def test_a_result_that_cannot_be_a_record_is_named(text: str, problem: str) -> None:
    with pytest.raises(SourceInvalid, match=rf"^batch:b: record 3: {problem}"):
        lines_of((3, None, text))
