"""letters: keep what died, so that it can be read, and read it again.

A body too large for the record is whole in Blobs, written first: a crash in between leaves a blob
that the message's next delivery writes anew.
"""

from __future__ import annotations

from fanfold.domain.letter import MAX_BODY_BYTES, MAX_REASON, Fate, Letter, letter_id_for
from fanfold.domain.messages import (
    BatchRequestMessage,
    FanOutMessage,
    FinalizationMessage,
    PageMessage,
    RunMessage,
    decode_fan_out,
)
from fanfold.errors import MessageInvalid
from fanfold.ports import Delivery, Ports, Station

Message = RunMessage | FanOutMessage | PageMessage | BatchRequestMessage | FinalizationMessage


def keep(
    ports: Ports, delivery: Delivery, message: Message | None, reason: str, fate: Fate, about: str
) -> Letter:
    """May be repeated: the first record of a message stays. `message`: what it says, if it can be
    read."""
    origin, body = str(delivery.origin or ""), delivery.body
    letter_id = letter_id_for(delivery.message_id, origin, body)
    if len(body) > MAX_BODY_BYTES:
        ports.blobs.write(_blob_of(letter_id), [body])
    return ports.letters.keep(
        Letter(
            id=letter_id,
            origin=origin,
            reason=reason[:MAX_REASON],
            at=ports.clock.now(),
            batch_id=None if isinstance(message, BatchRequestMessage | None) else message.batch_id,
            index=message.index if isinstance(message, RunMessage) else None,
            body=body[:MAX_BODY_BYTES],
            size=len(body),
            fate=fate,
            about=about,
        )
    )


def body_of(ports: Ports, letter: Letter) -> bytes:
    """All of it. Raises BlobNotFound."""
    return b"".join(ports.blobs.read(_blob_of(letter.id))) if letter.is_cut else letter.body


def forget(ports: Ports, letter: Letter) -> None:
    """The record last: while it is there, so is what is left to remove."""
    ports.blobs.delete(_blob_of(letter.id))
    ports.letters.forget(letter.id)


def read_message(origin: str | None, body: bytes) -> Message:
    """As the station it was for would read it. Raises MessageInvalid."""
    match origin:
        case Station.RUNS:
            return RunMessage.decode(body)
        case Station.FAN_OUT:
            return decode_fan_out(body)
        case Station.FINALIZATIONS:
            return FinalizationMessage.decode(body)
        case _:
            raise MessageInvalid("it does not say which station it was for")


def _blob_of(letter_id: str) -> str:
    return f"dead-letters/{letter_id}"
