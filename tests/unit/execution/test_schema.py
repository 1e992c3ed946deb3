"""Schemas that come as data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fanfold.execution.schema import Schema, SchemaInvalid


def test_each_problem_says_where_it_is() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "array", "items": {"type": "integer"}}},
        "required": ["b"],
    }
    found = list(Schema(schema).problems({"a": [1, "x"]}))
    assert {it.path for it in found} == {("a", 1), ()}
    assert 'a.1: "x" is not of type "integer"' in [str(it) for it in found]


@pytest.mark.parametrize("schema", [{"type": "nonsense"}, {"type": 5}, {"$schema": "urn:x"}, []])
def test_what_is_no_schema_is_told_on_one_line(schema: Any) -> None:
    with pytest.raises(SchemaInvalid, match="this is no JSON schema") as refused:
        Schema(schema)
    assert "\n" not in str(refused.value)


def test_nothing_is_read_for_a_schema(tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text('{"type": "integer"}')
    for address in (f"file://{other}", "http://127.0.0.1:9/x.json", "other.json"):
        with pytest.raises(SchemaInvalid, match=r"is not read|No base URI"):
            Schema({"$ref": address})


def test_what_a_schema_has_of_its_own_is_found() -> None:
    schema = {"$defs": {"a": {"type": "integer"}}, "$ref": "#/$defs/a"}
    assert list(Schema(schema).problems(3)) == []
    assert len(list(Schema(schema).problems("x"))) == 1
    assert list(Schema(True).problems("x")) == []
