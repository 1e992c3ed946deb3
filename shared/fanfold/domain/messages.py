"""What stations say to each other. JSON, versioned, never empty.

An unknown version, or anything else that cannot be decoded, raises MessageInvalid: it goes to the
dead letters with a clear log line, and is not delivered for ever.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fanfold.domain.records import MAX_INLINE_BYTES, Record
from fanfold.errors import MessageInvalid

VERSION = 1
BatchId = Annotated[str, Field(pattern=r"^batch-[a-z2-7]{16}$")]
Natural = Annotated[int, Field(ge=0)]


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    v: Literal[1] = 1
    batch_id: BatchId
    generation: Annotated[int, Field(ge=1)] = 1
    #: published by a repeat: the reader looks at what is settled and leased first
    again: bool = False

    def encode(self) -> bytes:
        return self.model_dump_json().encode()

    @classmethod
    def decode(cls, body: bytes) -> Self:
        try:
            message = cls._validated(body)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(str(part) for part in first["loc"]) or "message"
            raise MessageInvalid(f"{cls.__name__}: {place}: {first['msg']}") from None
        return message

    @classmethod
    def _validated(cls, body: bytes) -> Self:
        try:
            return cls.model_validate_json(body)
        except ValidationError as error:
            # Half a surrogate pair is JSON to the parser that runs use, and not to this one.
            if error.errors()[0]["type"] != "json_invalid":
                raise
            try:
                data = json.loads(body)
            except (ValueError, RecursionError):
                raise error from None
            return cls.model_validate(data)


class FanOutMessage(_Message):
    """Read the source from the checkpoint on."""

    kind: Literal["fan-out"] = "fan-out"
    #: the sender has published all pages below this one
    published: Natural = 0


class PageMessage(_Message):
    """Publish the runs of positions [start, stop)."""

    kind: Literal["page"] = "page"
    start: Natural
    stop: Natural


class InlineRecord(BaseModel):
    model_config = ConfigDict(frozen=True)

    key: str | None = None
    data: Any


class RunMessage(_Message):
    """Run one record."""

    index: Natural
    #: the record, unless it is so large that it travels by reference
    record: InlineRecord | None = None


class FinalizationMessage(_Message):
    """All records seem to be settled, or the batch was stopped: close it."""


class FanOutEnvelope(BaseModel):
    """The two messages of the fan-out station, told apart by `kind`."""

    model_config = ConfigDict(extra="ignore")
    kind: Literal["fan-out", "page"] = "fan-out"


def decode_fan_out(body: bytes) -> FanOutMessage | PageMessage:
    try:
        kind = FanOutEnvelope.model_validate_json(body).kind
    except ValidationError:
        raise MessageInvalid("fan-out station: not a JSON object of a known kind") from None
    return PageMessage.decode(body) if kind == "page" else FanOutMessage.decode(body)


def encode_run(batch_id: str, generation: int, record: Record, *, again: bool = False) -> bytes:
    """A run's message. The record's JSON text is put in as it is: it was checked at the source."""
    head = (
        f'{{"v":{VERSION},"batch_id":"{batch_id}","generation":{generation},"index":{record.index}'
    )
    if again:
        head += ',"again":true'
    if len(record.body) > MAX_INLINE_BYTES or len(record.body.encode()) > MAX_INLINE_BYTES:
        return f"{head}}}".encode()
    key = "" if record.key is None else f'"key":{json.dumps(record.key)},'
    return f'{head},"record":{{{key}"data":{record.body}}}}}'.encode()
