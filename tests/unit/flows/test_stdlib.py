from __future__ import annotations

import ast
import json
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from fanfold import Permanent, Result
from fanfold.domain.run import RunState
from fanfold.flows import stdlib
from fanfold.flows.stdlib import TOP, measure, modules, rank

CODE = '''\
"""A module."""

class A:
    def plain(self):
        return 1

    def branching(self, x):
        if x and self or not x:
            for _ in range(x):
                pass
        elif x:
            return [y for y in x if y if y > 1]
        try:
            return 1 if x else 2
        except ValueError:
            while x:
                x -= 1

async def later(x):
    match x:
        case 1:
            return lambda: x
'''


def measured(tmp_path: Path, code: str | bytes) -> dict[str, Any]:
    path = tmp_path / "module.py"
    path.write_bytes(code.encode() if isinstance(code, str) else code)
    result = measure({"id": "module", "path": str(path)})
    assert isinstance(result, dict)
    return result


def succeeded(index: int, module: str, **sizes: Any) -> Result:
    output = {"lines": 10, "functions": 2, "classes": 1, "complexity": 3, "longest": None, **sizes}
    return Result(index, module, RunState.SUCCEEDED, text=json.dumps(output))


# ------------------------------------------------------------------ measuring


def test_a_module_is_measured(tmp_path: Path) -> None:
    assert measured(tmp_path, CODE) == {
        "lines": 22,
        "functions": 3,
        "classes": 1,
        # one way straight through; if, and, or, for, elif, comprehension and its two conditions,
        # the conditional expression, except, while, case
        "complexity": 1 + 12,
        "longest": {"name": "branching", "lines": 11},
    }


@pytest.mark.parametrize("code", ["", "\n", "# nothing\n"])
def test_a_module_of_nothing_is_measured_too(tmp_path: Path, code: str) -> None:
    result = measured(tmp_path, code)
    assert (result["functions"], result["complexity"], result["longest"]) == (0, 1, None)


def test_a_file_in_another_encoding_is_read_as_it_says(tmp_path: Path) -> None:
    code = "# -*- coding: latin-1 -*-\ndef é(): pass\n".encode("latin-1")
    assert measured(tmp_path, code)["longest"] == {"name": "é", "lines": 1}


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("print 'hello'\n", r"does not parse: Missing parentheses .* \(line 1\)"),
        ("x = 1\n\ndef f(:\n", r"does not parse: .* \(line 3\)"),
        (b"x = '\xff'\n", r"does not parse: \(unicode error\) 'utf-8' codec can't decode"),
        ("# coding: no-such-thing\n", "does not parse: unknown encoding: no-such-thing"),
        (b"x = 1\x00\n", "does not (parse|decode): source code .* null bytes"),
        ("(" * 500 + ")" * 500, "does not parse: .*nested"),
        ("x = " + "-" * 100_000 + "1\n", "does not parse: "),
    ],
)
def test_a_file_that_cannot_be_measured_says_why_and_is_not_tried_again(
    tmp_path: Path, code: str | bytes, reason: str
) -> None:
    with pytest.raises(Permanent, match=rf"^{reason}"):
        measured(tmp_path, code)


def test_a_file_that_is_gone_is_no_verdict_on_the_module(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        measure({"id": "module", "path": str(tmp_path / "gone.py")})


# ------------------------------------------- warnings about the measured code

#: Python warns of this escape while it parses, and here warnings are errors.
ODD = 'pattern = "\\d"\n' * 50


def test_the_odd_code_is_odd() -> None:
    with pytest.raises(SyntaxError, match="invalid escape sequence"):
        ast.parse(ODD)


def test_warnings_about_measured_code_are_nobodys(tmp_path: Path) -> None:
    assert measured(tmp_path, ODD)["lines"] == 50


def test_warnings_are_nobodys_in_many_threads_at_once(tmp_path: Path) -> None:
    path = tmp_path / "odd.py"
    path.write_text(ODD)
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(lambda _: measure({"path": str(path)}), range(200)))
    assert {it["lines"] for it in results} == {50}


def test_warnings_are_nobodys_where_somebody_takes_filters_away(tmp_path: Path) -> None:
    measured(tmp_path, ODD)
    with warnings.catch_warnings():
        warnings.resetwarnings()
        warnings.simplefilter("error")
        assert measured(tmp_path, ODD)["lines"] == 50
        assert measured(tmp_path, ODD)["lines"] == 50
        with pytest.raises(SyntaxError):
            ast.parse(ODD)


def test_warnings_are_nobodys_in_an_interpreter_that_is_strict(tmp_path: Path) -> None:
    path = tmp_path / "odd.py"
    path.write_text(ODD)
    code = f"from fanfold.flows.stdlib import measure; print(measure({{'path': {str(path)!r}}}))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert "'lines': 50" in done.stdout
    assert done.stderr == ""


# -------------------------------------------------------------------- records


def test_every_module_is_a_record_and_nothing_else_is(tmp_path: Path) -> None:
    for name in (
        "json/decoder.py",
        "json/__init__.py",
        "abc.py",
        "notes.txt",
        "site-packages/other.py",
        "dist-packages/other.py",
        "json/__pycache__/decoder.py",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    records = list(modules(tmp_path))
    assert [it["id"] for it in records] == ["abc", "json", "json.decoder"]
    assert records[2]["path"] == str(tmp_path / "json" / "decoder.py")


def test_this_pythons_own_library_has_hundreds_always_in_one_order() -> None:
    records = list(modules())
    ids = [it["id"] for it in records]
    assert ids == [it["id"] for it in modules()]
    assert len(ids) == len(set(ids)) > 300
    assert {"json.decoder", "asyncio", "abc"} <= set(ids)
    assert not any("site-packages" in it["path"] for it in records)


def test_some_of_this_pythons_own_library_can_be_measured() -> None:
    wanted = {"json.decoder", "asyncio.events", "re._parser", "typing"}
    found = {it["id"]: measure(it) for it in modules() if it["id"] in wanted}
    assert set(found) == wanted
    assert all(it["complexity"] > 10 and it["longest"]["lines"] > 10 for it in found.values())


# -------------------------------------------------------------------- ranking


def test_the_library_is_summed_and_ranked() -> None:
    ranked = rank(
        [
            succeeded(0, "a", longest={"name": "f", "lines": 7}),
            Result(1, "b", RunState.FAILED, error={"type": "Permanent", "message": "no"}),
            succeeded(2, "c", lines=5, complexity=9, longest={"name": "g", "lines": 8}),
        ]
    )
    assert ranked == {
        "modules": 3,
        "lines": 15,
        "functions": 4,
        "classes": 2,
        "failed": 1,
        "most complex": [
            {"module": "c", "complexity": 9},
            {"module": "a", "complexity": 3},
        ],
        "longest": {"function": "c.g", "lines": 8},
    }


def test_only_the_most_complex_are_named() -> None:
    ranked = rank(succeeded(it, f"m{it}", complexity=it) for it in range(100))
    assert [it["complexity"] for it in ranked["most complex"]] == list(range(99, 99 - TOP, -1))


def test_an_empty_library_is_ranked_too() -> None:
    ranked = rank([])
    assert (ranked["modules"], ranked["failed"], ranked["most complex"]) == (0, 0, [])
    assert ranked["longest"] is None


def test_the_flow_brings_its_own_records_and_its_own_fold() -> None:
    assert (measure.name, measure.source, measure.fold) == ("measure", modules, rank)
    assert not measure.wants_context
    assert stdlib.measure is measure
