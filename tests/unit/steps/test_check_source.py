"""Looking at all of a source, and storing nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fanfold.domain.options import BatchOptions
from fanfold.errors import FlowInvalid, SourceInvalid
from fanfold.sources.arrays import read_array
from fanfold.sources.jsonl import read_lines
from fanfold.sources.line import Line, OnProblem
from fanfold.steps.check_source import Checked, check_source


def check(source: bytes, read: Any = read_lines, **options: Any) -> tuple[Checked, list[str]]:
    told: list[str] = []

    def lines(on_problem: OnProblem) -> Iterator[Line]:
        found: Iterator[Line] = read([source], name="r", on_problem=on_problem)
        return found

    def no_two(data: Any) -> None:
        if data == 2:
            raise FlowInvalid("it must not be two")

    def tell(problem: SourceInvalid) -> None:
        told.append(str(problem))

    return check_source(lines, BatchOptions(**options), no_two, tell), told


def test_a_source_with_nothing_wrong_has_no_problems() -> None:
    assert check(b"1\n3\n") == (Checked(records=2, problems=0), [])


def test_every_problem_is_told_in_order_with_its_place() -> None:
    checked, told = check(b"1\nwrong\n2\n3\n2\n")
    assert checked == Checked(records=5, problems=3)
    assert [it[:3] for it in told] == ["r:2", "r:3", "r:5"]
    assert told[1] == "r:3: it must not be two"


def test_what_ends_the_reading_is_one_more_problem_and_no_record() -> None:
    checked, told = check(b"[1, 2, 3} 4]", read_array)
    assert checked == Checked(records=3, problems=2)
    assert "a comma or ] is missing behind item 2" in told[1]


def test_the_options_of_the_batch_count() -> None:
    source = b'{"id": 1}\n{"id": 1}\n{"n": 2}\n'
    assert check(source)[0].problems == 0
    assert check(source, unique_keys=True)[0] == Checked(records=3, problems=2)
    assert check(source, select={"id": "id"})[0] == Checked(records=3, problems=1)


def test_a_priority_that_is_none_is_told_with_its_line_and_the_reading_goes_on() -> None:
    source = b'{"p": 9}\n{"p": "high"}\n{}\n{"p": 12}\n'
    checked, told = check(source, priority_field="p")
    assert checked == Checked(records=4, problems=2)
    assert told[0].startswith("r:2: the priority in 'p' is \"high\", and must be a whole number")
    assert told[1].startswith("r:4: the priority in 'p' is 12, and")


def test_only_what_the_batch_would_take_is_looked_at() -> None:
    assert check(b"1\nwrong\n", max_records=1)[0] == Checked(records=1, problems=0)
    assert check(b"1\nwrong\n", max_records=1, shuffle=True)[0].problems == 1, "any may be drawn"
