"""What stations say to each other. JSON, versioned, never empty.

An unknown version, or anything else that cannot be decoded, raises MessageInvalid: it goes to the
dead letters with a clear log line, and is not delivered for ever.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from fanfold.domain.flow import FLOW_NAME
from fanfold.domain.options import BatchOptions
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
    #: Its first delivery counts as this one. Beyond 1 it was published by a repeat: the reader
    #: looks at what is settled and leased first; and a record that kills its processes cannot
    #: begin anew with each message that is published for it.
    attempt: Annotated[int, Field(ge=1)] = 1

    @property
    def again(self) -> bool:
        return self.attempt > 1

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


class BatchRequestMessage(BatchOptions):
    """The public contract: publishing this on the fan-out topic starts a batch.

    `records` are the data themselves; without them the flow's own source gives them. With a
    `request_id` the same message, published again, starts nothing new; without one, only the same
    *delivery* does not. Every option of a batch may stand beside these.
    """

    v: Literal[1] = 1
    #: the name of a flow that is registered where the message is read
    flow: Annotated[str, Field(pattern=FLOW_NAME.pattern)]
    records: list[Any] | None = None
    request_id: Annotated[str, Field(min_length=1, max_length=200)] | None = None

    @property
    def options(self) -> BatchOptions:
        return BatchOptions.model_validate(
            {name: getattr(self, name) for name in BatchOptions.model_fields}
        )


def decode_fan_out(body: bytes) -> FanOutMessage | PageMessage | BatchRequestMessage:
    """The three messages of the fan-out station: a batch's own carry its id, a request a flow."""
    try:
        document = from_json(body)
    except ValueError as error:
        raise MessageInvalid(f"fan-out station: not JSON: {error}") from None
    if not isinstance(document, dict):
        raise MessageInvalid("fan-out station: not a JSON object")
    match document:
        case {"kind": "page"}:
            return PageMessage.decode(body)
        case {"batch_id": _}:
            return FanOutMessage.decode(body)
        case _:
            return _decode_request(body)


def _decode_request(body: bytes) -> BatchRequestMessage:
    try:
        return BatchRequestMessage.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "message"
        raise MessageInvalid(f"batch request: {place}: {first['msg']}") from None


def encode_run(batch_id: str, generation: int, record: Record, *, attempt: int = 1) -> bytes:
    """A run's message. The record's JSON text is put in as it is: it was checked at the source."""
    head = (
        f'{{"v":{VERSION},"batch_id":"{batch_id}","generation":{generation},"index":{record.index}'
    )
    if attempt > 1:
        head += f',"attempt":{attempt}'
    if len(record.body) > MAX_INLINE_BYTES or len(record.body.encode()) > MAX_INLINE_BYTES:
        return f"{head}}}".encode()
    key = "" if record.key is None else f'"key":{json.dumps(record.key)},'
    return f'{head},"record":{{{key}"data":{record.body}}}}}'.encode()
