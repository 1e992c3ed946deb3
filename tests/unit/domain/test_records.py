from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fanfold.domain.records import (
    MAX_PAGE_BYTES,
    MAX_PAGE_RECORDS,
    MAX_RECORD_BYTES,
    Page,
    Record,
    pages_of,
    unpack_records,
)

BATCH = "batch-aaaaaaaaaaaaaaaa"

#: Anything, half surrogate pairs too.
texts = st.text(st.characters(exclude_categories=()))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=8,
)
keys = st.none() | texts


def pages(bodies: list[str], number: int = 0, start: int = 0) -> list[Page]:
    return list(pages_of(BATCH, number, start, [(None, body) for body in bodies]))


@given(st.lists(st.tuples(keys, values), min_size=1, max_size=20), st.integers(0, 10_000))
def test_what_is_packed_is_unpacked_whole(items: list[tuple[str | None, Any]], start: int) -> None:
    records = tuple(
        Record(index, key, json.dumps(value)) for index, (key, value) in enumerate(items, start)
    )
    page = Page(BATCH, 0, start, records)
    assert tuple(unpack_records(start, page.packed())) == records


@given(texts)
def test_text_that_is_not_escaped_is_unpacked_whole(text: str) -> None:
    """Sources keep a line as it was: line separators of other alphabets stay in it, raw."""
    body = json.dumps(text.encode(errors="replace").decode(), ensure_ascii=False)
    page = Page(BATCH, 0, 0, (Record(0, "k", body), Record(1, None, "1")))
    assert [it.body for it in unpack_records(0, page.packed())] == [body, "1"]


def test_white_space_between_tokens_survives_packing() -> None:
    body = '{"a":\t1,\r"b": 2}'
    (record,) = unpack_records(0, Page(BATCH, 0, 0, (Record(0, "k\t1", body),)).packed())
    assert (record.key, record.body, record.data) == ("k\t1", body, {"a": 1, "b": 2})


def test_a_page_holds_so_many_records_and_no_more() -> None:
    sizes = [len(page.records) for page in pages(["1"] * (2 * MAX_PAGE_RECORDS + 1))]
    assert sizes == [MAX_PAGE_RECORDS, MAX_PAGE_RECORDS, 1]


def test_a_page_holds_so_many_bytes_and_no_more() -> None:
    half = json.dumps("x" * (MAX_PAGE_BYTES // 2 - 2))
    assert [len(page.records) for page in pages([half] * 5)] == [2, 2, 1]


def test_bytes_are_counted_not_characters() -> None:
    wide = json.dumps("é" * (MAX_PAGE_BYTES // 4), ensure_ascii=False)
    assert [len(page.records) for page in pages([wide] * 2)] == [1, 1]


def test_the_largest_record_fits_a_page_of_its_own() -> None:
    largest = json.dumps("x" * (MAX_RECORD_BYTES - 2))
    assert [len(page.records) for page in pages(["1", largest, "1"])] == [1, 1, 1]


@given(st.lists(st.sampled_from([1, 1000, 200_000, 500_000]), max_size=30))
def test_pages_follow_each_other_without_gap_or_overlap(sizes: list[int]) -> None:
    bodies = [json.dumps("x" * size) for size in sizes]
    cut = pages(bodies, number=3, start=70)
    assert [page.number for page in cut] == list(range(3, 3 + len(cut)))
    assert [page.start for page in cut] == [70, *(page.stop for page in cut)][: len(cut)]
    records = [record for page in cut for record in page.records]
    assert [record.index for record in records] == list(range(70, 70 + len(bodies)))
    assert [record.body for record in records] == bodies


def test_no_records_make_no_page() -> None:
    assert pages([]) == []


def test_records_are_taken_only_as_pages_are_asked_for() -> None:
    taken = 0

    def endless() -> Any:
        nonlocal taken
        while True:
            taken += 1
            yield None, "1"

    next(pages_of(BATCH, 0, 0, endless()))
    assert taken <= MAX_PAGE_RECORDS + 1
