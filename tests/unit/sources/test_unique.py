from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.errors import SourceInvalid
from fanfold.sources import unique as module
from fanfold.sources.iterable import from_iterable
from fanfold.sources.line import Line
from fanfold.sources.unique import unique


def lines_of(keys: list[str | None]) -> Iterator[Line]:
    for number, key in enumerate(keys, 1):
        yield Line(key, "{}", number, 0, {}, "r.jsonl")


def refusal(keys: list[str | None]) -> str:
    with pytest.raises(SourceInvalid) as refused:
        list(unique(lines_of(keys)))
    return str(refused.value)


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=2)))
def test_lines_pass_as_they_are_up_to_the_first_repeated_key(keys: list[str]) -> None:
    problems: list[SourceInvalid] = []
    passed = [line.key for line in unique(lines_of([*keys]), on_problem=problems.append)]
    assert passed == list(dict.fromkeys(keys))
    assert len(problems) == len(keys) - len(passed)


def test_a_repeated_key_is_named_with_both_its_lines() -> None:
    assert refusal(["a", "b", "c", "b"]) == (
        "r.jsonl:4: the key 'b' is that of r.jsonl:2, too. "
        "Leave one of them out, or name another field with --key."
    )


def test_a_missing_key_is_named_with_its_line() -> None:
    assert refusal(["a", None]).startswith("r.jsonl:2: no key in 'id', and every record must have")


def test_items_without_lines_are_told_apart() -> None:
    with pytest.raises(
        SourceInvalid, match=r"^list: record 2: the key '1' is that of list: record 0, too"
    ):
        list(unique(from_iterable([{"id": 1}, {"id": 2}, {"id": 1}], name="list")))


def test_each_line_is_looked_at_before_it_is_handed_on() -> None:
    """Whoever takes only the first records reads no further, and has had no repeated key."""

    def endless() -> Iterator[Line]:
        yield from lines_of(["a", "b"])
        raise AssertionError("nobody asked for a third")

    assert len(list(islice(unique(endless()), 2))) == 2


def test_memory_does_not_grow_with_the_keys_and_no_file_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SQLITE_TMPDIR", str(tmp_path))
    monkeypatch.setattr(module, "_SETUP", module._SETUP.replace("16384", "64"))

    def peak(count: int) -> int:
        lines = (Line(str(n), "{}", n, 0, {}, "r.jsonl") for n in range(count))
        tracemalloc.start()
        assert sum(1 for _ in unique(lines)) == count
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(10)
    assert peak(20_000) <= 1.5 * peak(2_000)
    assert list(tmp_path.iterdir()) == []
