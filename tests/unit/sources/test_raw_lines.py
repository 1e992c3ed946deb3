from __future__ import annotations

import pytest

from fanfold.errors import SourceInvalid
from fanfold.sources.raw_lines import MAX_LINE_BYTES, decoded, raw_lines


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_lines_keep_their_ends_however_the_bytes_are_cut(size: int) -> None:
    source = b"a\n\nb\r\nc"
    chunks = [source[start : start + size] for start in range(0, len(source), size)]
    assert list(raw_lines(chunks)) == [b"a\n", b"\n", b"b\r\n", b"c"]


def test_a_line_that_is_too_long_comes_as_far_as_it_was_read_and_last() -> None:
    lines = list(raw_lines([b"a\n", b"x" * MAX_LINE_BYTES, b"y", b"z", b"\nb\n"]))
    assert lines == [b"a\n", b"x" * MAX_LINE_BYTES + b"y"]


def test_only_a_source_s_first_line_shows_that_it_is_no_text() -> None:
    for first, said in ((True, "It is compressed with zstd"), (False, "Save it as UTF-8.")):
        with pytest.raises(SourceInvalid, match=said):
            decoded(b"\x28\xb5\x2f\xfd\n", "a:1", "Save it as UTF-8.", first=first)
