from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.domain.messages import (
    VERSION,
    BatchRequestMessage,
    FanOutMessage,
    FinalizationMessage,
    InlineRecord,
    PageMessage,
    RunMessage,
    decode_fan_out,
    encode_run,
)
from fanfold.domain.options import BatchOptions
from fanfold.domain.records import MAX_INLINE_BYTES, Record
from fanfold.domain.source_format import SourceFormat
from fanfold.errors import MessageInvalid

BATCH = "batch-aaaaaaaaaaaaaaaa"

KINDS = [FanOutMessage, PageMessage, RunMessage, FinalizationMessage]
EXAMPLES = [
    FanOutMessage(batch_id=BATCH, published=7),
    PageMessage(batch_id=BATCH, start=500, stop=1000, attempt=3),
    RunMessage(batch_id=BATCH, index=3, generation=2),
    RunMessage(batch_id=BATCH, index=3, record=InlineRecord(key="k", data={"a": [None]})),
    RunMessage(batch_id=BATCH, index=3, record=InlineRecord(data=None)),
    FinalizationMessage(batch_id=BATCH),
]

#: Anything, half surrogate pairs too.
texts = st.text(st.characters(exclude_categories=()))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=8,
)


def sent(record: Record, **more: Any) -> RunMessage:
    return RunMessage.decode(encode_run(BATCH, 2, record, **more))


@pytest.mark.parametrize("message", EXAMPLES)
def test_what_is_encoded_is_decoded(message: Any) -> None:
    assert type(message).decode(message.encode()) == message


@pytest.mark.parametrize("message", EXAMPLES)
def test_a_message_says_its_version(message: Any) -> None:
    assert json.loads(message.encode())["v"] == VERSION


@given(st.integers(0, 1 << 40), st.none() | st.text(), values, st.integers(1, 30))
def test_a_record_arrives_as_it_was_sent(
    index: int, key: str | None, data: Any, attempt: int
) -> None:
    message = sent(Record(index, key, json.dumps(data)), attempt=attempt)
    assert (message.batch_id, message.generation) == (BATCH, 2)
    assert (message.index, message.attempt) == (index, attempt)
    assert message.again is (attempt > 1)
    assert message.record == InlineRecord(key=key, data=data)


@pytest.mark.parametrize("key", ['a"b', "a\\", "\n", '","data":1,"x":"', "ä", ""])
def test_a_key_is_only_ever_a_key(key: str) -> None:
    assert sent(Record(0, key, "1")).record == InlineRecord(key=key, data=1)


def test_data_that_is_null_is_there() -> None:
    """By reference means: no record in the message. A record whose data is null is one."""
    assert sent(Record(0, None, "null")).record == InlineRecord(data=None)


@pytest.mark.parametrize(
    ("body", "inline"),
    [
        (json.dumps("x" * (MAX_INLINE_BYTES - 2)), True),
        (json.dumps("x" * (MAX_INLINE_BYTES - 1)), False),
        (json.dumps("é" * (MAX_INLINE_BYTES // 2 - 1), ensure_ascii=False), True),
        (json.dumps("é" * (MAX_INLINE_BYTES // 2), ensure_ascii=False), False),
    ],
)
def test_a_record_travels_inside_up_to_the_border_and_by_reference_beyond(
    body: str, inline: bool
) -> None:
    message = sent(Record(9, "k", body))
    assert message.index == 9
    assert (message.record is not None) is inline


def test_half_a_surrogate_pair_arrives() -> None:
    message = sent(Record(0, None, '{"emoji": "\\ud83d"}'))
    assert message.record is not None
    assert message.record.data == {"emoji": "\ud83d"}


def test_deep_data_arrives() -> None:
    assert sent(Record(0, None, "[" * 200 + "]" * 200)).record is not None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", [0, 2, 99, "1", None])
def test_an_unknown_version_is_refused(kind: type[RunMessage], version: Any) -> None:
    body = {"v": version, "batch_id": BATCH, "index": 0, "start": 0, "stop": 1}
    with pytest.raises(MessageInvalid, match=r": v: "):
        kind.decode(json.dumps(body).encode())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "body",
    [b"", b"hello", b"null", b"[]", b"7", b"{}", b"\xff\xfe", b'{"v":1', b'"\\ud800', b"[" * 5000],
)
def test_garbage_is_refused_in_one_line(kind: type[RunMessage], body: bytes) -> None:
    with pytest.raises(MessageInvalid, match=f"^{kind.__name__}: ") as refused:
        kind.decode(body)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("body", [b"", b"hello", b"[]", b"7"])
def test_the_fan_out_station_refuses_what_is_no_object(body: bytes) -> None:
    with pytest.raises(MessageInvalid, match="fan-out station"):
        decode_fan_out(body)


@pytest.mark.parametrize("message", EXAMPLES[:2])
def test_the_fan_out_station_tells_a_batch_s_own_messages_apart(message: FanOutMessage) -> None:
    assert decode_fan_out(message.encode()) == message


def test_a_request_is_told_by_its_flow_and_carries_every_option() -> None:
    options: dict[str, Any] = {
        "concurrency": 3,
        "label": "a",
        "tags": ["b"],
        "parameters": {"c": 1},
    }
    body = {"v": 1, "flow": "echo", "records": [1, {"id": 2}], "request_id": "r", **options}
    request = decode_fan_out(json.dumps(body).encode())
    assert isinstance(request, BatchRequestMessage)
    assert (request.flow, request.records, request.request_id) == ("echo", [1, {"id": 2}], "r")
    assert request.options == BatchOptions(**options)


def test_a_request_may_name_its_source_and_how_it_is_read() -> None:
    one = {"flow": "echo", "source": "gs://b/a.txt", "delimiter": "tab", "columns": ["a"]}
    request = decode_fan_out(json.dumps(one).encode())
    assert isinstance(request, BatchRequestMessage)
    assert request.sources == ["gs://b/a.txt"]
    assert request.source_format == SourceFormat(delimiter="\t", columns=["a"])
    several = decode_fan_out(json.dumps({"flow": "echo", "source": ["gs://a", "gs://b"]}).encode())
    assert isinstance(several, BatchRequestMessage)
    assert several.sources == ["gs://a", "gs://b"]


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ({"kind": "party"}, "flow"),
        ({"v": 2, "flow": "echo"}, "v"),
        ({"flow": "echo", "concurency": 3}, "concurency"),
        ({"flow": "echo", "concurrency": 0}, "concurrency"),
        ({"flow": "flows.py:shout"}, "flow"),
        ({"flow": "echo", "records": 7}, "records"),
        ({"flow": "echo", "source": ""}, "source"),
        ({"flow": "echo", "source": []}, "source"),
        ({"flow": "echo", "source": "gs://b/a", "format": "xml"}, "format"),
        ({"flow": "echo", "source": "gs://b/a", "records": []}, "message: .*send one of them"),
        ({"flow": "echo", "format": "csv"}, "message: .*no source to be read as: format csv"),
        (
            {"flow": "echo", "source": "a", "format": "json", "header": False},
            "message: .*of tables",
        ),
    ],
)
def test_a_request_that_is_wrong_says_where(body: dict[str, object], what: str) -> None:
    with pytest.raises(MessageInvalid, match=f"^batch request: {what}"):
        decode_fan_out(json.dumps(body).encode())


@pytest.mark.parametrize(
    "wrong",
    [
        {"batch_id": "batch-7"},
        {"batch_id": BATCH + "\n"},
        {"batch_id": None},
        {"index": -1},
        {"index": None},
        {"generation": 0},
        {"record": {"key": "k"}},
        {"record": {"key": 7, "data": 1}},
    ],
)
def test_a_wrong_field_is_named(wrong: dict[str, Any]) -> None:
    body = {"v": 1, "batch_id": BATCH, "index": 0, **wrong}
    (field,) = wrong
    with pytest.raises(MessageInvalid, match=f"^RunMessage: {field}"):
        RunMessage.decode(json.dumps(body).encode())


def test_a_field_of_a_later_version_is_no_reason_to_refuse() -> None:
    body = {"v": 1, "batch_id": BATCH, "index": 0, "colour": "red"}
    assert RunMessage.decode(json.dumps(body).encode()).index == 0
