"""Names that can be computed in both directions.

batch id: `batch-` and 16 lower-case base-32 characters, 80 bits.
run id:   a UUID of version 8 that holds the batch's 80 bits and the record's index, permuted by a
          key from the batch. So a queued run needs no document to be found, and the ids of one
          batch spread over the whole key space: no hot spot when they are written in order.

    bits  127…………88  87……80  79…76  75……64  63 62  61……………2  1 0
          index(40)  batch    8     batch    10     batch      0
                     (8)            (12)            (60)

A question of a run, for those who know it by a UUID: the run's id with the question's number in the
eight bits that a run's id leaves as a UUID of version 8 has them. So it is no UUID of a version.

Ids are not secrets.
"""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from hashlib import blake2b
from uuid import UUID

from fanfold.domain.permutation import Permutation
from fanfold.errors import BatchNotFound

PREFIX = "batch-"
INDEX_BITS = 40
#: of a batch id
PATTERN = r"batch-[a-z2-7]{16}"
_BATCH_ID = re.compile(PATTERN)


def batch_id_from(bits: bytes) -> str:
    """The id for ten bytes: random ones, or a digest's."""
    if len(bits) != 10:
        raise ValueError(f"a batch id is made of 10 bytes, not {len(bits)}")
    return PREFIX + base64.b32encode(bits).decode().lower()


def batch_id_for_request(principal: str, request_id: str) -> str:
    """The same request of the same principal always names the same batch."""
    text = f"{len(principal)}:{principal}{request_id}".encode("utf-8", "surrogatepass")
    return batch_id_from(blake2b(text, digest_size=10, person=b"fanfold-request").digest())


def check_batch_id(text: str) -> str:
    if not _BATCH_ID.fullmatch(text):
        raise BatchNotFound(
            f"{text!r} is not a batch id (`batch-` and 16 characters a-z2-7). "
            "`fanfold list` lists the batches in this home."
        )
    return text


def run_id_of(batch_id: str, index: int) -> str:
    bits, spread = _batch(batch_id)
    number = (
        spread.of(index) << 88
        | (bits >> 72) << 80
        | 8 << 76
        | (bits >> 60 & 0xFFF) << 64
        | 0b10 << 62
        | (bits & (1 << 60) - 1) << 2
    )
    return str(UUID(int=number))


def place_of_run(run_id: str) -> tuple[str, int]:
    """The batch and the index a run id was made of."""
    try:
        run = UUID(run_id)
    except ValueError:
        raise ValueError(f"{run_id!r} is not a run id: a run id is a UUID") from None
    number = run.int
    if run.version != 8 or number & 0b11:
        raise ValueError(f"{run_id!r} is not a run id of Fanfold's")
    bits = (number >> 80 & 0xFF) << 72 | (number >> 64 & 0xFFF) << 60 | number >> 2 & (1 << 60) - 1
    batch_id = batch_id_from(bits.to_bytes(10, "big"))
    return batch_id, _batch(batch_id)[1].back(number >> 88)


#: the version's four bits, the variant's two, and the last two
_FREE = (0, 1, 62, 63, 76, 77, 78, 79)
MAX_QUESTION = (1 << len(_FREE)) - 1


def question_id_of(run_id: str, number: int) -> str:
    """`number`: from 1 to MAX_QUESTION."""
    flipped = sum((number >> place & 1) << bit for place, bit in enumerate(_FREE))
    return str(UUID(int=UUID(run_id).int ^ flipped))


def place_of_question(question_id: str) -> tuple[str, int]:
    """The run's id, and the question's number. Raises ValueError."""
    bits = UUID(question_id).int
    plain = 8 << 76 | 0b10 << 62
    flipped = bits ^ plain
    number = sum((flipped >> bit & 1) << place for place, bit in enumerate(_FREE))
    if not number:
        raise ValueError(f"{question_id!r} is the id of a run")
    mask = sum(1 << bit for bit in _FREE)
    run_id = str(UUID(int=bits & ~mask | plain))
    place_of_run(run_id)
    return run_id, number


@lru_cache(maxsize=256)
def _batch(batch_id: str) -> tuple[int, Permutation]:
    raw = base64.b32decode(check_batch_id(batch_id).removeprefix(PREFIX).upper())
    return int.from_bytes(raw, "big"), Permutation(1 << INDEX_BITS, raw, rounds=4)
