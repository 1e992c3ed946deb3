from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.domain.permutation import Permutation


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 1000, 4097])
def test_every_number_comes_up_once(size: int) -> None:
    permutation = Permutation(size, b"seed")
    assert sorted(map(permutation.of, range(size))) == list(range(size))


@given(st.integers(1, 300), st.binary(max_size=16), st.integers(2, 8))
def test_every_number_comes_up_once_whatever_the_seed(size: int, seed: bytes, rounds: int) -> None:
    permutation = Permutation(size, seed, rounds)
    assert sorted(map(permutation.of, range(size))) == list(range(size))


@given(st.data(), st.integers(1, 1 << 40), st.binary(max_size=16))
def test_back_undoes_of(data: st.DataObject, size: int, seed: bytes) -> None:
    number = data.draw(st.integers(0, size - 1))
    permutation = Permutation(size, seed)
    assert permutation.back(permutation.of(number)) == number
    assert permutation.of(permutation.back(number)) == number


def test_a_seed_always_gives_the_same_order() -> None:
    orders = [[Permutation(100, b"a").of(number) for number in range(100)] for _ in range(2)]
    assert orders[0] == orders[1]


def test_another_seed_gives_another_order() -> None:
    orders = {tuple(map(Permutation(100, bytes([seed])).of, range(100))) for seed in range(200)}
    assert len(orders) == 200


def test_every_record_is_first_about_as_often() -> None:
    """Chi-square of 4000 fixed seeds over 16 places: 15 degrees of freedom, 60 is far out."""
    places = [Permutation(16, seed.to_bytes(4, "big")).of(0) for seed in range(4000)]
    expected = 4000 / 16
    chi_square = sum((places.count(it) - expected) ** 2 / expected for it in range(16))
    assert chi_square < 60


def test_a_sample_takes_every_record_about_as_often() -> None:
    """Keep i where of(i) < k: the way `max_records` samples a shuffled source."""
    kept = [0] * 50
    for seed in range(2000):
        permutation = Permutation(50, seed.to_bytes(4, "big"))
        for index in range(50):
            kept[index] += permutation.of(index) < 10
    assert sum(kept) == 2000 * 10
    assert 300 < min(kept) <= max(kept) < 500, "about 400 of 2000 samples hold each record"


@pytest.mark.parametrize("number", [-1, 10, 11])
def test_a_number_outside_is_refused(number: int) -> None:
    permutation = Permutation(10, b"")
    with pytest.raises(ValueError, match=r"is not in \[0, 10\)"):
        permutation.of(number)
    with pytest.raises(ValueError, match=r"is not in \[0, 10\)"):
        permutation.back(number)


def test_a_negative_size_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be negative"):
        Permutation(-1, b"")
