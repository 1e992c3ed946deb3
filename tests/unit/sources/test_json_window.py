from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.errors import SourceInvalid
from fanfold.sources.json_window import MAX_VALUE, TooLarge, Window

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=()), max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)  # fmt: skip


def window_on(source: bytes, size: int = 7) -> Window:
    return Window((source[at : at + size] for at in range(0, len(source), size)), "a.json")


@given(values, st.integers(1, 20), st.booleans())
def test_a_value_is_read_or_skipped_to_its_end_and_no_further(
    value: Any, size: int, skipped: bool
) -> None:
    window = window_on(f"  {json.dumps(value)} ,".encode(), size)
    if skipped:
        window.skip()
    else:
        assert json.loads(window.value()) == value
    assert window.takes(",")
    assert window.peek() == ""


def test_the_line_is_that_of_what_comes_next() -> None:
    window = window_on(b'1\n\n"a"\n2', 1)
    for line in (1, 3, 4):
        window.peek()
        assert window.place == f"a.json:{line}"
        window.skip()


def test_a_value_too_large_to_be_read_can_still_be_skipped() -> None:
    window = window_on(b'"' + b"x" * 4 * MAX_VALUE + b'" 7', 100_000)
    with pytest.raises(TooLarge):
        window.value()
    window.skip()
    assert window.value() == "7"


@pytest.mark.parametrize(
    "source", [b"", b",", b"]", b'"a', b'"a\\', b"[1", b"[1}", b"{", b"[" * 20_000]
)
def test_what_has_no_end_cannot_be_skipped(source: bytes) -> None:
    with pytest.raises(SourceInvalid, match=r"^a\.json"):
        window_on(source).skip()
