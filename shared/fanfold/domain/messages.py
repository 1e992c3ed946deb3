"""What stations say to each other. JSON, versioned, never empty.

An unknown version, or anything else that cannot be decoded, raises MessageInvalid: it goes to the
dead letters with a clear log line, and is not delivered for ever.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import from_json

from fanfold.domain.flow import FLOW_NAME
from fanfold.domain.options import BatchOptions
from fanfold.domain.records import MAX_INLINE_BYTES, Record
from fanfold.domain.source_format import SourceFormat
from fanfold.errors import MessageInvalid

VERSION = 1
_BATCH_ID = re.compile(r"batch-[a-z2-7]{16}")
BatchId = Annotated[str, Field(pattern=f"^{_BATCH_ID.pattern}$")]
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
            raise _refused(cls.__name__, error) from None
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


def _refused(name: str, error: ValidationError) -> MessageInvalid:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "message"
    return MessageInvalid(f"{name}: {place}: {first['msg']}")


class FanOutMessage(_Message):
    """Read the source from the checkpoint on."""

    kind: Literal["fan-out"] = "fan-out"
    #: the sender has published all pages below this one; of a retry, cleared all positions below
    published: Natural = 0


class PageMessage(_Message):
    """Publish the runs of positions [start, stop)."""

    kind: Literal["page"] = "page"
    start: Natural
    stop: Natural


@dataclass(slots=True)
class InlineRecord:
    key: str | None = None
    data: Any = None


class _RunDocument(_Message):
    """A run's message as it must be; what is wrong with one is told in its words."""

    class Record(BaseModel):
        key: str | None = None
        data: Any

    index: Natural
    record: Record | None = None


#: what nearly every run's message says
_USUAL = {"v", "batch_id", "generation", "index", "record"}


@dataclass(slots=True)
class RunMessage:
    """Run one record. There is one for each: what is as usual is checked by hand, and quickly."""

    batch_id: str
    index: int
    generation: int = 1
    #: as for every message
    attempt: int = 1
    #: the record, unless it is so large that it travels by reference
    record: InlineRecord | None = None

    @property
    def again(self) -> bool:
        return self.attempt > 1

    def encode(self) -> bytes:
        return _RunDocument.model_validate(asdict(self)).encode()

    @classmethod
    def decode(cls, body: bytes) -> Self:
        try:
            it = from_json(body, cache_strings="keys")
            if type(it) is dict and it.keys() == _USUAL:
                batch_id, index, generation = it["batch_id"], it["index"], it["generation"]
                record = it["record"]
                if (
                    it["v"] == VERSION
                    and type(index) is type(generation) is int
                    and generation > 0 <= index
                    and type(batch_id) is str
                    and _BATCH_ID.fullmatch(batch_id)
                    and type(record) is dict
                    and "data" in record
                ):
                    key = record.get("key")
                    if key is None or type(key) is str:
                        inline = InlineRecord(key, record["data"])
                        return cls(batch_id, index, generation, 1, inline)
        except ValueError:
            pass
        return cls._decode_slowly(body)

    @classmethod
    def _decode_slowly(cls, body: bytes) -> Self:
        """What is not as usual, or not right."""
        try:
            it = _RunDocument._validated(body)
        except ValidationError as error:
            raise _refused(cls.__name__, error) from None
        inline = None if it.record is None else InlineRecord(it.record.key, it.record.data)
        return cls(it.batch_id, it.index, it.generation, it.attempt, inline)


class FinalizationMessage(_Message):
    """All records seem to be settled, or the batch was stopped: close it."""


class BatchRequestMessage(BatchOptions, SourceFormat):
    """The public contract: publishing this on the fan-out topic starts a batch.

    `records` are the data themselves, or `source` names files in a bucket that hold them; without
    either the flow's own source gives them. With a `request_id` the same message, published again,
    starts nothing new; without one, only the same *delivery* does not. Every option of a batch may
    stand beside these, and with a `source` how it is to be read.
    """

    v: Literal[1] = 1
    #: the name of a flow that is registered where the message is read
    flow: Annotated[str, Field(pattern=FLOW_NAME.pattern)]
    records: list[Any] | None = None
    #: one address (gs://bucket/records.csv, gs://bucket/folder/, gs://bucket/*.jsonl), or several
    source: (
        Annotated[str, Field(min_length=1)]
        | Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1, max_length=1000)]
        | None
    ) = None
    request_id: Annotated[str, Field(min_length=1, max_length=200)] | None = None

    @model_validator(mode="after")
    def _one_place_of_records(self) -> Self:
        if self.records is not None and self.source is not None:
            raise ValueError("records and source are both given: send one of them")
        if self.source is None and self.source_format.in_words:
            raise ValueError(f"there is no source to be read as: {self.source_format.in_words}")
        return self

    @property
    def options(self) -> BatchOptions:
        return BatchOptions.model_validate(
            {name: getattr(self, name) for name in BatchOptions.model_fields}
        )

    @property
    def sources(self) -> list[str]:
        return [self.source] if isinstance(self.source, str) else self.source or []

    @property
    def source_format(self) -> SourceFormat:
        return SourceFormat.model_validate(
            {name: getattr(self, name) for name in SourceFormat.model_fields}
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
        raise _refused("batch request", error) from None


def encode_run(batch_id: str, generation: int, record: Record, *, attempt: int = 1) -> bytes:
    """A run's message. The record's JSON text is put in as it is: it was checked at the source."""
    head = (
        f'{{"v":{VERSION},"batch_id":"{batch_id}","generation":{generation},"index":{record.index}'
    )
    if attempt > 1:
        head += f',"attempt":{attempt}'
    body = record.body
    if len(body if body.isascii() else body.encode()) > MAX_INLINE_BYTES:
        return f"{head}}}".encode()
    key = "" if record.key is None else f'"key":{json.dumps(record.key)},'
    return f'{head},"record":{{{key}"data":{record.body}}}}}'.encode()
