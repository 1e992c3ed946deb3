from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.errors import SourceInvalid
from fanfold.sources.unzip import unzipped


def read(chunks: Iterable[bytes]) -> bytes:
    return b"".join(unzipped(chunks, "a.gz"))


def cut(source: bytes, size: int) -> list[bytes]:
    return [source[start : start + size] for start in range(0, len(source), size)]


@given(st.lists(st.binary(max_size=60), max_size=3), st.integers(0, 3), st.integers(1, 40))
def test_one_file_or_several_behind_each_other_are_unpacked_however_they_are_cut(
    parts: list[bytes], zeros: int, size: int
) -> None:
    packed = b"".join(gzip.compress(part) for part in parts) + b"\0" * zeros * bool(parts)
    assert read(cut(packed, size)) == b"".join(parts)


@given(st.binary(max_size=40).filter(lambda it: not it.startswith(b"\x1f\x8b")), st.integers(1, 9))
def test_what_is_not_packed_comes_as_it_is(source: bytes, size: int) -> None:
    assert read(cut(source, size)) == source


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_file_that_ends_too_early_is_refused(size: int) -> None:
    packed = gzip.compress(b"1\n2\n")
    for end in range(2, len(packed)):
        with pytest.raises(SourceInvalid, match=r"^a\.gz: the gzip file ends too early"):
            read(cut(packed[:end], size))


def test_a_damaged_file_is_refused() -> None:
    packed = bytearray(gzip.compress(b"some text" * 10))
    packed[15] ^= 0xFF
    with pytest.raises(SourceInvalid, match=r"^a\.gz: damaged gzip: [^\n]*$"):
        read([bytes(packed)])


def test_a_small_file_that_holds_a_large_one_takes_no_more_memory() -> None:
    def peak(size: int) -> int:
        packed = gzip.compress(bytes(size))
        tracemalloc.start()
        assert sum(map(len, unzipped([packed], "a.gz"))) == size
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(1)
    assert peak(40_000_000) <= 1.5 * peak(4_000_000)
