"""A sum that knows which records were counted, not only how many.

Every settled record adds a bijective 32-bit mix of its index to its slot's digest. The seal knows
the sum over [0, total). Equal count and equal digest: the settled records are the batch's own.
The sum of four thousand million 32-bit numbers fits a signed 64-bit counter, which is what
Firestore increments (and saturates) on; hence the limit on a batch's records.
"""

from __future__ import annotations

MAX_RECORDS = 1 << 31
_MASK = 0xFFFFFFFF


def mix(index: int) -> int:
    """MurmurHash3's 32-bit finalizer: a bijection, so that no two records cancel out."""
    value = index & _MASK
    value ^= value >> 16
    value = value * 0x85EBCA6B & _MASK
    value ^= value >> 13
    value = value * 0xC2B2AE35 & _MASK
    return value ^ value >> 16


def digest_of(start: int, stop: int) -> int:
    return sum(map(mix, range(start, stop)))
