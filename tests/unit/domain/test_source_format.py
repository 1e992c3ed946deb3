from __future__ import annotations

from typing import Any

import pytest

from fanfold.domain.source_format import SourceFormat, source_format_from
from fanfold.errors import OptionInvalid

GOOD: dict[str, list[Any]] = {
    "format": ["jsonl", "json", "csv", "tsv", "text"],
    "delimiter": [";", "\t", "|", "é"],
    "columns": [["a"], ["a", "b c"]],
    "header": [True, False],
    "pointer": ["", "/", "/data/items", "/a~1b/~0/0"],
    "files": ["content", "path"],
}

BAD: dict[str, list[Any]] = {
    "format": ["xml", "orc", 7],
    "delimiter": ["", ";;", '"', "\n", "\r", 7],
    "columns": [[], [""], ["a", "a"], "a,b", [7]],
    "header": ["no", 0],
    "pointer": ["data", "/a~2", "/a~", 7],
    "files": ["all", True],
}


def cases(table: dict[str, list[Any]]) -> list[tuple[str, Any]]:
    return [(name, value) for name, values in table.items() for value in values]


def test_every_part_is_tried_here() -> None:
    assert set(GOOD) == set(BAD) == set(SourceFormat.model_fields)


@pytest.mark.parametrize(("name", "value"), cases(GOOD))
def test_a_part_that_can_be_meant_is_taken_as_it_is(name: str, value: Any) -> None:
    assert getattr(source_format_from({name: value}), name) == value


@pytest.mark.parametrize(("name", "value"), cases(BAD))
def test_a_part_that_cannot_be_meant_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(OptionInvalid, match=f"^option {name}") as refused:
        source_format_from({name: value})
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["tab", "\\t"])
def test_a_tab_can_be_typed(text: str) -> None:
    assert source_format_from({"delimiter": text}).delimiter == "\t"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"format": "json", "delimiter": ";"}, "delimiter, columns and header are of tables, not"),
        ({"format": "text", "columns": ["a"]}, "delimiter, columns and header are of tables, not"),
        ({"format": "jsonl", "header": False}, "delimiter, columns and header are of tables, not"),
        ({"format": "csv", "pointer": "/a"}, "a pointer is for one JSON document"),
        ({"pointer": "/a", "delimiter": ";"}, "a pointer is for one JSON document"),
        ({"files": "path", "format": "csv"}, "files makes each file one record"),
        ({"files": "path", "pointer": "/a"}, "files makes each file one record"),
        ({"files": "path", "header": False}, "files makes each file one record"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(given: dict[str, Any], problem: str) -> None:
    with pytest.raises(OptionInvalid, match=f"^source: {problem}"):
        source_format_from(given)


def test_what_was_given_is_told_in_words() -> None:
    assert SourceFormat().in_words == ""
    given = SourceFormat(format="csv", delimiter="\t", columns=["a", "b"], header=False)
    assert given.in_words == "format csv, delimiter '\\t', columns a,b, header none"
    assert SourceFormat(pointer="/data").in_words == "pointer /data"
