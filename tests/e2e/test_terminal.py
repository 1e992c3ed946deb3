"""What is seen on a terminal of eighty columns."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len

from tests.e2e.screen import COLOUR, COLUMNS, lines_of, seen

if TYPE_CHECKING:
    from tests.e2e.conftest import Fanfold


@pytest.fixture
def source(fanfold: Fanfold) -> str:
    return fanfold.write("records.jsonl", [{"n": n} if n % 5 else {} for n in range(20)])


def test_progress_is_redrawn_in_place_and_what_flows_print_stays_above(
    fanfold: Fanfold, source: str
) -> None:
    label = "a label that is far too long to fit beside everything else there is"
    given = ("--label", label, *fanfold.small)

    text = seen(fanfold, "run", fanfold.flow("chatty"), source, *given)

    lines = lines_of(text)
    assert max(map(len, lines)) <= COLUMNS
    assert any(re.match(r"chatty · batch-\w+ · pending · a label that .*…$", it) for it in lines)
    assert any(it.endswith("100 %") for it in lines)
    assert any(it == "█ 16 succeeded  ▚ 4 failed" for it in lines)
    assert "4 \N{MULTIPLICATION SIGN} KeyError" in text
    assert COLOUR.search(text)
    for n in (1, 2, 3, 4, 6):
        assert f"a word on standard output {n}" in lines, "whole, and on a line of its own"
    end = lines[-5:]
    assert "20 records: 16 succeeded, 4 failed" in end[0]
    assert "fanfold errors batch-" in end[-1]
    assert "\x1b[2K" not in text[text.rindex("20 records:") :], "what is said last stays"


def test_no_color_is_respected(fanfold: Fanfold, source: str) -> None:
    text = seen(fanfold, "run", fanfold.flow("chatty"), source, *fanfold.small, NO_COLOR="1")

    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", text)


def test_without_a_terminal_there_are_plain_lines(fanfold: Fanfold, source: str) -> None:
    ended = fanfold("run", "echo", source, *fanfold.small)

    assert "\x1b" not in ended.err
    first, *_, last = ended.err.splitlines()
    assert re.fullmatch(r"fanfold: batch-\w+ of echo, 1 process of 4 threads", first)
    assert re.fullmatch(r"  results: fanfold results batch-\w+", last)


LONG = """
from fanfold import flow
@flow(id='a_flow_with_quite_a_long_name_indeed', title='What it does, ' * 10, retries=0)
def f(record): raise ValueError(f"kind {'x' * record} " + 'word ' * 50)
"""


@pytest.fixture(scope="module")
def full(shared_fanfold: Fanfold) -> Fanfold:
    """Long names, wide characters, and more kinds of failures than are kept."""
    fanfold = shared_fanfold
    fanfold.write_text("long.py", LONG)
    records = "".join(f"{n}\n" for n in range(55))
    for label in ("label " * 33, "価格の更新バッチ、" * 9):
        given = ("--label", label, "--tag", "🚀 " * 30, "--quiet", *fanfold.small)
        assert fanfold("run", "long.py", "-", *given, stdin=records).code == 1
    return fanfold


VIEWS = [["list"], ["status", "last"], ["errors", "last"], ["flows"], ["verify", "last"],
         ["watch", "last"], ["watch", "last", "--once"], ["doctor"]]  # fmt: skip
NARROW = [["status", "last"], ["flows"], ["watch", "last"], ["watch", "last", "--once"]]


@pytest.mark.parametrize(
    ("arguments", "columns"), [*((it, 80) for it in VIEWS), *((it, 40) for it in NARROW)]
)
def test_no_line_is_longer_than_the_terminal(
    full: Fanfold, arguments: list[str], columns: int
) -> None:
    lines = lines_of(seen(full, *arguments, columns=columns, code=None, FANFOLD_FLOWS="long.py"))

    assert len(lines) > 1
    assert [it for it in lines if cell_len(it) > columns] == []


def test_a_list_lines_up_whatever_is_in_it(full: Fanfold) -> None:
    table = lines_of(seen(full, "list"))
    head, *rows = table[table.index(next(it for it in table if it.startswith("BATCH"))) :]

    place = head.index("STATUS")
    assert len(rows) == 2
    for row in rows:
        assert re.match(r"batch-[a-z2-7]{16} a_flow\S*… +failed +55 +0 +55 ", row)
        assert row[place:].startswith("failed ")
        assert row.endswith("…")


def test_a_label_goes_on_under_itself(full: Fanfold) -> None:
    lines = lines_of(seen(full, "status", "last"))

    first = next(number for number, it in enumerate(lines) if it.startswith("label "))
    assert lines[first + 1].startswith(" " * 10 + "価") or "価" in lines[first + 1]
    assert "".join(it.strip() for it in lines[first : first + 3]).count("価格") == 9


def test_what_is_piped_has_no_colour_and_is_not_cut(full: Fanfold) -> None:
    for arguments in VIEWS:
        assert "\x1b" not in full.inside(*arguments, FANFOLD_FLOWS="long.py").out
    assert "label " * 32 + "label" in full.inside("list").out


def test_without_batches_there_is_a_sentence(fanfold: Fanfold) -> None:
    assert lines_of(seen(fanfold, "list"))[-1] == "no batches here yet"
