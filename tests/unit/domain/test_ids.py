from __future__ import annotations

import itertools
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.domain.ids import (
    INDEX_BITS,
    MAX_QUESTION,
    batch_id_for_request,
    batch_id_from,
    check_batch_id,
    place_of_question,
    place_of_run,
    question_id_of,
    run_id_of,
)
from fanfold.errors import BatchNotFound

BATCH = batch_id_from(bytes(range(10)))

ten_bytes = st.binary(min_size=10, max_size=10)
#: Anything, half surrogate pairs too.
texts = st.text(st.characters(exclude_categories=()))
indexes = st.integers(0, (1 << INDEX_BITS) - 1)


@given(ten_bytes, indexes)
def test_a_run_id_tells_its_batch_and_its_index(bits: bytes, index: int) -> None:
    batch_id = batch_id_from(bits)
    assert place_of_run(run_id_of(batch_id, index)) == (batch_id, index)


@given(ten_bytes, indexes)
def test_a_run_id_is_a_uuid_that_says_it_is_of_version_8(bits: bytes, index: int) -> None:
    run = UUID(run_id_of(batch_id_from(bits), index))
    assert (run.version, run.variant) == (8, "specified in RFC 4122")


@given(ten_bytes)
def test_a_batch_id_is_accepted_as_one(bits: bytes) -> None:
    assert check_batch_id(batch_id_from(bits)) == batch_id_from(bits)


def test_the_runs_of_a_batch_have_distinct_ids() -> None:
    assert len({run_id_of(BATCH, index) for index in range(5000)}) == 5000


def test_the_same_index_has_other_ids_in_other_batches() -> None:
    batches = [batch_id_from(bytes([number]) * 10) for number in range(200)]
    assert len({run_id_of(batch_id, 7) for batch_id in batches}) == 200
    assert len({run_id_of(batch_id, 7)[:8] for batch_id in batches}) == 200


def test_consecutive_records_are_written_far_apart() -> None:
    """One batch's ids in order would all go to one tablet of the store."""
    ids = [run_id_of(BATCH, index) for index in range(1024)]
    neighbours = itertools.pairwise(ids)
    assert all(a[:4] != b[:4] for a, b in neighbours)

    shares = [sum(id_[0] == digit for id_ in ids) for digit in "0123456789abcdef"]
    assert 32 < min(shares) <= max(shares) < 128, "about 64 of 1024 begin with each digit"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        "not-a-uuid",
        "9f8c1de0-58bf-4cc5-9a4f-6f0a2f1d3c11",  # random, version 4
        run_id_of(BATCH, 7)[:-1] + "1",  # version 8, but of somebody else's making
    ],
)
def test_what_is_no_run_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a run id"):
        place_of_run(text)


@pytest.mark.parametrize(
    "text",
    ["", "batch-", "batch-0123456789abcdef", BATCH + "a", BATCH.upper(), " " + BATCH, BATCH + "\n"],
)
def test_what_is_no_batch_id_is_not_found(text: str) -> None:
    with pytest.raises(BatchNotFound, match="`fanfold list`"):
        check_batch_id(text)


def test_an_index_beyond_the_id_is_refused() -> None:
    with pytest.raises(ValueError, match="is not in"):
        run_id_of(BATCH, 1 << INDEX_BITS)


def test_a_batch_id_takes_ten_bytes() -> None:
    with pytest.raises(ValueError, match="10 bytes, not 9"):
        batch_id_from(bytes(9))


def test_a_repeated_request_names_the_same_batch() -> None:
    assert batch_id_for_request("ann", "r1") == batch_id_for_request("ann", "r1")
    check_batch_id(batch_id_for_request("ann", "r1"))


@given(texts, texts, texts, texts)
def test_no_two_requests_share_a_batch(a: str, b: str, c: str, d: str) -> None:
    same_request = (a, b) == (c, d)
    assert (batch_id_for_request(a, b) == batch_id_for_request(c, d)) is same_request


def test_where_principal_ends_and_request_begins_matters() -> None:
    assert batch_id_for_request("ab", "c") != batch_id_for_request("a", "bc")


@given(ten_bytes, indexes, st.integers(1, MAX_QUESTION))
def test_a_question_is_told_by_its_id(bits: bytes, index: int, number: int) -> None:
    run_id = run_id_of(batch_id_from(bits), index)
    question = question_id_of(run_id, number)
    assert UUID(question) != UUID(run_id)
    assert place_of_question(question) == (run_id, number)


@pytest.mark.parametrize("text", ["nothing", run_id_of(batch_id_from(b"0123456789"), 3)])
def test_what_is_no_question_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=text if text != "nothing" else "badly formed"):
        place_of_question(text)
