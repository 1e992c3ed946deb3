from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fanfold.domain.digest import MAX_RECORDS, digest_of, mix

indexes = st.integers(0, MAX_RECORDS - 1)


def test_no_two_records_of_a_hundred_thousand_have_the_same_mix() -> None:
    assert len({mix(index) for index in range(100_000)}) == 100_000


def unmix(mixed: int) -> int:
    """Every step of `mix`, undone in reverse: there is such a number for each odd factor only."""
    mixed ^= mixed >> 16
    mixed = mixed * pow(0xC2B2AE35, -1, 1 << 32) % (1 << 32)
    mixed ^= mixed >> 13 ^ mixed >> 26
    mixed = mixed * pow(0x85EBCA6B, -1, 1 << 32) % (1 << 32)
    return mixed ^ mixed >> 16


@given(st.integers(0, (1 << 32) - 1))
def test_a_mix_tells_its_record(index: int) -> None:
    assert unmix(mix(index)) == index


@given(indexes, indexes)
def test_different_records_have_different_mixes(a: int, b: int) -> None:
    assert (mix(a) == mix(b)) is (a == b)


@given(indexes)
def test_a_mix_fits_32_bits(index: int) -> None:
    assert 0 <= mix(index) < 1 << 32


@given(st.permutations(range(40)))
def test_the_order_in_which_records_are_settled_does_not_matter(order: list[int]) -> None:
    assert sum(map(mix, order)) == digest_of(0, 40)


@given(st.integers(0, 999), st.integers(0, 999))
def test_one_record_missing_and_another_counted_twice_shows(missing: int, twice: int) -> None:
    digest = digest_of(0, 1000) - mix(missing) + mix(twice)
    assert (digest == digest_of(0, 1000)) is (missing == twice)


@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 300))
def test_pages_add_up(a: int, b: int, c: int) -> None:
    start, middle, stop = sorted((a, b, c))
    assert digest_of(start, middle) + digest_of(middle, stop) == digest_of(start, stop)


def test_the_largest_batch_does_not_overflow_a_signed_counter() -> None:
    largest_mixes = range((1 << 32) - MAX_RECORDS, 1 << 32)
    assert (largest_mixes[0] + largest_mixes[-1]) * MAX_RECORDS // 2 < 1 << 63
