"""A dead letter: a message that could not be worked on, kept so that somebody can look at it.

It is written when its end is known, which is after whatever it was about has been settled: a crash
in between leaves no record, and the message comes again. Its id derives from the message, so one
that comes again finds the record there.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b

PREFIX = "letter-"
#: characters of an id behind its prefix
ID_CHARACTERS = 16
#: bytes of a body that stand in the record itself; a longer one is whole in Blobs
MAX_BODY_BYTES = 64 * 1024
#: characters of a reason; an error may quote much of what it could not read
MAX_REASON = 1000


class Fate(StrEnum):
    """What became of it when it died. Bringing it back is told by `resurrected_at`."""

    #: its record, or its batch, has failed with the reason
    FAILED = "failed"
    #: nothing had to be done: settled already, in other hands, or a net's part
    LEFT = "left"
    #: nobody can read it, or do what it asks for
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Letter:
    id: str
    #: the station it was for; empty where it does not say
    origin: str
    #: why it is dead
    reason: str
    #: when it was kept, in seconds since 1970
    at: float
    #: the batch and the record that it was about, where it says so
    batch_id: str | None
    index: int | None
    #: the first MAX_BODY_BYTES of it
    body: bytes
    #: how long it is as a whole
    size: int
    fate: Fate
    #: the fate, in a few words more
    about: str
    #: set once, by the first who brings it back
    resurrected_at: float | None = None

    @property
    def is_cut(self) -> bool:
        return self.size > len(self.body)


def letter_id_for(message_id: str, origin: str, body: bytes) -> str:
    """The same for all deliveries of one message, pushed (`subscription/id`) or pulled (`id`).

    The body is in it, too: a push need not name its message.
    """
    name = message_id.rpartition("/")[2]
    digest = blake2b(f"{name} {origin} ".encode(), digest_size=10, person=b"fanfold-letter")
    digest.update(body)
    return PREFIX + base64.b32encode(digest.digest()).decode().lower()
