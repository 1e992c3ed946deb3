from __future__ import annotations

import json

import pytest

from fanfold import Result
from fanfold.domain.run import RunState
from fanfold.folds.exports.format import JsonLines, format_named_by, is_gzip_named


@pytest.mark.parametrize(
    ("name", "form", "packed"),
    [
        ("results.jsonl", "jsonl", False),
        ("results", "jsonl", False),
        ("results.csv", "csv", False),
        ("RESULTS.CSV.GZ", "csv", True),
        ("results.jsonl.gz", "jsonl", True),
        ("csv", "jsonl", False),
        ("-", "jsonl", False),
    ],
)
def test_a_file_is_what_its_name_says(name: str, form: str, packed: bool) -> None:
    assert (format_named_by(name), is_gzip_named(name)) == (form, packed)


def test_a_result_is_one_line() -> None:
    result = Result(0, "a\n\ud800", RunState.SUCCEEDED, text='{"a": 1}', parameters={"p": 2})
    line = JsonLines().line(result)
    assert line.count(b"\n") == 1
    assert json.loads(line) == {
        "index": 0, "key": "a\n\ud800", "status": "succeeded", "output": {"a": 1}, "error": None,
        "parameters": {"p": 2},
    }  # fmt: skip
    assert JsonLines().begin(result) == b""
