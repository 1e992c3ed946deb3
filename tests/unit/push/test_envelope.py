"""The envelope: whatever Pub/Sub posts, however it is wrapped, is one delivery."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest

from fanfold.errors import MessageInvalid
from fanfold.push.envelope import read_envelope

JSON = "application/json"
STRUCTURED = "application/cloudevents+json; charset=utf-8"


def envelope(data: bytes = b'{"v":1}', **more: Any) -> dict[str, Any]:
    return {
        "message": {
            "data": b64encode(data).decode(),
            "attributes": {"fanfold_station": "runs"},
            "messageId": "7",
            "message_id": "7",
            "publishTime": "2026-01-01T00:00:00Z",
        },
        "subscription": "projects/p/subscriptions/s",
        **more,
    }


def test_a_raw_push_is_read_with_its_delivery_attempt() -> None:
    pushed = read_envelope(JSON, json.dumps(envelope(deliveryAttempt=4)).encode())
    assert (pushed.body, pushed.attempt, pushed.message_id) == (b'{"v":1}', 4, "7")
    assert pushed.subscription == "projects/p/subscriptions/s"
    assert pushed.attributes == {"fanfold_station": "runs"}


def test_without_a_dead_letter_policy_every_delivery_is_the_first() -> None:
    assert read_envelope(JSON, json.dumps(envelope()).encode()).attempt == 1


@pytest.mark.parametrize("more", [{"deliveryAttempt": 2}, {"deliveryAttempt": 2, "other": [1]}])
def test_what_is_read_by_hand_is_what_the_model_reads(more: dict[str, Any]) -> None:
    usual = envelope(b"hello", **more)
    unusual = {**usual, "deliveryAttempt": "2"}  # a text is the model's
    by_hand = read_envelope(JSON, json.dumps(usual).encode())
    assert by_hand == read_envelope(JSON, json.dumps(unusual).encode())


def test_a_binary_cloud_event_is_a_raw_push_with_other_headers() -> None:
    pushed = read_envelope(JSON, json.dumps(envelope(deliveryAttempt=2)).encode())
    assert pushed.attempt == 2


def test_a_structured_cloud_event_wraps_it_once_more() -> None:
    event = {
        "specversion": "1.0",
        "type": "google.cloud.pubsub.topic.v1.messagePublished",
        "source": "//pubsub.googleapis.com/projects/p/topics/t",
        "id": "7",
        "data": envelope(b"hello", deliveryAttempt=3),
    }
    pushed = read_envelope(STRUCTURED, json.dumps(event).encode())
    assert (pushed.body, pushed.attempt) == (b"hello", 3)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (JSON, b""),
        (JSON, b"not json"),
        (JSON, b"[]"),
        (JSON, b"{}"),
        (JSON, b'{"message": {}}'),
        (JSON, b'{"message": {"data": ""}}'),
        (JSON, b'{"message": {"data": "***"}}'),
        (JSON, b'{"message": {"data": "aGk="}, "deliveryAttempt": 0}'),
        (JSON, b'{"message": {"data": "aGk=", "attributes": {"a": 1}}}'),
        (JSON, json.dumps(envelope(b"", deliveryAttempt=1)).encode()),
        (JSON, json.dumps(envelope(deliveryAttempt=0)).encode()),
        (JSON, json.dumps(envelope(deliveryAttempt=1)).replace("eyJ2IjoxfQ==", "***").encode()),
        (JSON, json.dumps(envelope(deliveryAttempt=1)).replace('"runs"', "1").encode()),
        (STRUCTURED, b'{"specversion": "1.0"}'),
        (STRUCTURED, b"7"),
    ],
)
def test_what_is_no_envelope_is_refused(content_type: str, body: bytes) -> None:
    with pytest.raises(MessageInvalid, match="push envelope"):
        read_envelope(content_type, body)
