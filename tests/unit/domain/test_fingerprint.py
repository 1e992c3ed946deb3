from __future__ import annotations

import pytest

from fanfold.domain.fingerprint import fingerprint_of, pattern_of
from fanfold.domain.outcome import Blame, Failure

SAME = [
    ("row 17 has no price", "row 9 has no price"),
    ("no such file: '/tmp/a.csv'", "no such file: '/data/x/b.csv'"),
    ("cannot open /srv/in/a.csv", "cannot open /mnt/out/b.csv"),
    (r"cannot open C:\data\in\a.csv", r"cannot open D:\b.d\in\c.csv"),
    ("cannot open ../in/a/b.csv", "cannot open ~/in/a.csv"),
    ("404 for https://a.example/x?y=1", "404 for http://b.example/"),
    (
        "job 9f8c1de0-58bf-4cc5-9a4f-6f0a2f1d3c11 is gone",
        "job 00000000-58bf-4cc5-9a4f-6f0a2f1d3c12 is gone",
    ),
    ("object at 0x7f3a2b10 is closed", "object at 0x55AA is closed"),
    ("commit deadbeef12 not found", "commit 12ab34cd56ef not found"),
    ("took 1.5e3 s of -2", "took 7 s of 12"),
    ('bad field "a\\"b"', 'bad field "c"'),
    ("unknown column `a`", "unknown column `b c`"),
    ("two  spaces\nand a line", "two spaces and a line"),
]

DIFFERENT = [
    ("row 17 has no price", "row 17 has no name"),
    ("connection refused", "connection reset"),
    ("either this/that failed", "either one/other failed"),
    ("", "something"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_failure_of_another_record_has_the_same_name(one: str, other: str) -> None:
    assert pattern_of(one) == pattern_of(other)
    assert fingerprint_of("ValueError", one) == fingerprint_of("ValueError", other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_another_failure_has_another_name(one: str, other: str) -> None:
    assert fingerprint_of("ValueError", one) != fingerprint_of("ValueError", other)


def test_another_error_with_the_same_message_has_another_name() -> None:
    assert fingerprint_of("KeyError", "x") != fingerprint_of("ValueError", "x")


def test_the_pattern_can_be_read() -> None:
    message = "row 17 of '/a/b.csv' has 3 fields, see https://a.example/17"
    assert pattern_of(message) == "row <n> of <text> has <n> fields, see <url>"


@pytest.mark.parametrize(
    "token", [".", "-", "/", "./", "a.", "'", "\\'", "0x", "1.", "[", "…", "f"]
)
def test_no_message_however_odd_keeps_anyone_waiting(token: str) -> None:
    """An expression that backtracks would take minutes here, and the suite's limit would end it."""
    assert len(pattern_of(token * 100_000)) <= 200


def test_a_message_with_half_a_surrogate_pair_has_a_name_too() -> None:
    assert fingerprint_of("KeyError", "\ud83d") != fingerprint_of("KeyError", "\ud83e")


def test_a_failure_is_named_by_its_type_and_message() -> None:
    one = Failure(Blame.ERROR, "ValueError", "row 1 is bad", traceback="here")
    other = Failure(Blame.PERMANENT, "ValueError", "row 2 is bad", traceback="there")
    assert one.fingerprint == other.fingerprint == fingerprint_of("ValueError", "row 3 is bad")
