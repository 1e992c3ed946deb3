from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Iterator

from fanfold import Result
from fanfold.domain.run import RunState
from fanfold.folds.exports.chunks import chunks_of, gzipped
from fanfold.folds.exports.format import JsonLines
from fanfold.folds.exports.table import Table


def results(count: int, size: int = 1) -> Iterator[Result]:
    for index in range(count):
        yield Result(index, None, RunState.SUCCEEDED, text=f'"{"x" * size}"')


def ignore(_count: int) -> None:
    pass


def test_many_small_results_are_few_chunks_and_are_told_of_once_taken() -> None:
    told: list[int] = []
    chunks = chunks_of(results(1200), JsonLines(), None, told.append)
    assert b"".join(chunks).count(b"\n") == 1200
    assert told == [500, 500, 200]


def test_what_has_come_does_not_wait_for_what_is_to_come() -> None:
    first, second = results(2)
    chunks = chunks_of(iter([first, None, None, second]), Table(), first, ignore)
    assert [it.count(b"\n") for it in chunks] == [2, 1]


def test_an_export_of_nothing_has_its_head() -> None:
    assert b"".join(chunks_of([], Table(), None, ignore)).startswith(b"index,key")
    assert list(chunks_of([], JsonLines(), None, ignore)) == []


def test_memory_does_not_grow_with_the_results() -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        for _ in gzipped(chunks_of(results(count, 100_000), JsonLines(), None, ignore)):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(400) < 2 * peak(40)


def test_the_same_results_are_packed_into_the_same_bytes_that_gzip_reads() -> None:
    one, other = (b"".join(gzipped([b"a\n" * 9, b"", b"b\n"])) for _ in range(2))
    assert one == other
    assert gzip.decompress(one) == b"a\n" * 9 + b"b\n"
    assert gzip.decompress(b"".join(gzipped([]))) == b""
