from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from fanfold import Result
from fanfold.domain.run import RunState
from fanfold.errors import OptionInvalid
from fanfold.folds.exports.table import Table, columns_from


def ok(text: str, **more: Any) -> Result:
    return Result(0, "k", RunState.SUCCEEDED, text=text, **more)


def rows(table: Table, *results: Result) -> list[list[str]]:
    text = table.begin(results[0]) + b"".join(map(table.line, results))
    return list(csv.reader(io.StringIO(text.decode(), newline="")))


def test_a_row_is_what_rfc_4180_says() -> None:
    table = Table()
    failure = {"type": "KeyError", "message": 'no "price",\nsee above'}
    assert table.begin(None) == b"index,key,status,output,error_type,error_message\r\n"
    assert table.line(ok('{"a":1}')) == b'0,k,succeeded,"{""a"":1}",,\r\n'
    assert table.line(Result(1, None, RunState.FAILED, error=failure)) == (
        b'1,,failed,,KeyError,"no ""price"",\nsee above"\r\n'
    )


def test_a_formula_in_a_key_an_error_or_a_field_is_neutralised() -> None:
    table = Table(columns_from("label"))
    failure = {"type": "=T", "message": "@x"}
    bad = Result(0, "=1+1", RunState.FAILED, error=failure)
    good = Result(1, "-5", RunState.SUCCEEDED, text='{"label": "=2"}')
    assert rows(table, bad, good)[1:] == [
        ["0", "'=1+1", "failed", "", "'=T", "'@x"],
        ["1", "-5", "succeeded", "'=2", "", ""],
    ]


def test_fields_of_the_output_are_columns_of_their_own() -> None:
    table = Table(columns_from("label, score=details.score,whole=."))
    output = '{"label": "é", "details": {"score": -0.5}}'
    head, row, empty = rows(table, ok(output), ok("null"))
    assert head == ["index", "key", "status", "label", "score", "whole", "error_type",
                    "error_message"]  # fmt: skip
    assert row[3:6] == ["é", "-0.5", '{"label": "é", "details": {"score": -0.5}}']
    assert empty[3:6] == ["", "", ""]


def test_parameters_have_a_column_where_there_are_some() -> None:
    first = ok("1", parameters={"model": "small"})
    head, row = rows(Table(), first)
    assert (head[-1], row[-1]) == ("parameters", '{"model": "small"}')
    known = Table(has_parameters=True)
    head, without, row = rows(known, ok("1"), first)
    assert (head[-1], without[-1], row[-1]) == ("parameters", "", '{"model": "small"}')
    table = Table()
    table.begin(ok("1"))
    with pytest.raises(ValueError, match="has parameters"):
        table.line(first)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("label,label", "'label' is there twice. Give the field another: NAME=label"),
        ("key", "'key' is in every export"),
        ("a=output,output", "'output' is in every export"),
        ("=label", "'' is empty"),
        ("a=b..c", "'b..c' is no place"),
        ("", "is no place"),
    ],
)
def test_columns_that_cannot_be_are_refused(text: str, said: str) -> None:
    with pytest.raises(OptionInvalid, match=said):
        columns_from(text)
