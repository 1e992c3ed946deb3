"""A seeded bijection of [0, size), computed, never stored.

A Feistel network permutes the smallest even number of bits that covers `size`; values that fall
outside are sent round again until they fall inside (cycle walking, less than four rounds on
average), so the whole stays a bijection. It serves twice: run ids spread over the key space with
it, and shuffling is dispatching position p's record `of(p)`.
"""

from __future__ import annotations

from hashlib import blake2b

_MASK64 = (1 << 64) - 1


class Permutation:
    """`of` and `back` undo each other for every number in [0, size)."""

    __slots__ = ("_half", "_keys", "_mask", "size")

    def __init__(self, size: int, seed: bytes, rounds: int = 6) -> None:
        if size < 0:
            raise ValueError(f"a permutation's size cannot be negative: {size}")
        self.size = size
        bits = max(2, (size - 1).bit_length())
        self._half = (bits + 1) // 2
        self._mask = (1 << self._half) - 1
        self._keys = tuple(
            int.from_bytes(blake2b(seed, digest_size=8, salt=bytes([number])).digest(), "big") | 1
            for number in range(rounds)
        )

    def of(self, number: int) -> int:
        self._check(number)
        while True:
            number = self._forward(number)
            if number < self.size:
                return number

    def back(self, number: int) -> int:
        self._check(number)
        while True:
            number = self._backward(number)
            if number < self.size:
                return number

    def _check(self, number: int) -> None:
        if not 0 <= number < self.size:
            raise ValueError(f"{number} is not in [0, {self.size})")

    def _forward(self, number: int) -> int:
        half, mask = self._half, self._mask
        left, right = number >> half, number & mask
        for key in self._keys:
            left, right = right, left ^ (_mix(right, key) & mask)
        return left << half | right

    def _backward(self, number: int) -> int:
        half, mask = self._half, self._mask
        left, right = number >> half, number & mask
        for key in reversed(self._keys):
            left, right = right ^ (_mix(left, key) & mask), left
        return left << half | right


def _mix(value: int, key: int) -> int:
    value = (value ^ key) * 0x9E3779B97F4A7C15 & _MASK64
    value ^= value >> 32
    value = value * key & _MASK64
    return value ^ value >> 29
