"""A thousand bodies that mean no good: each is refused, and nothing is stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Any

from httpx import Client

from fanfold.wiring import Fanfold

GOOD = b'{"flow": "shout", "records": [{"text": "ah"}]}'
VALUES: list[Any] = [
    None, True, -1, 0, 1e308, 10**40, "", "x" * 1000, "\x00", "\ud800", [], [[]], {}, {"$ref": "#"},
    "../../etc/passwd", "'; DROP TABLE batches; --", "{{7*7}}", "\u202e", ["gs://b/../o"],
]  # fmt: skip
FIELDS = [
    "flow", "source", "request_id", "concurrency", "rate", "error_policy", "max_failures",
    "deadline", "max_records", "shuffle", "seed", "priority_field", "unique_keys", "select",
    "parameters", "grid", "retries", "timeout", "priority", "managers", "monitors", "label", "tags",
    "interactive", "format", "pointer", "columns", "__proto__", "constructor",
]  # fmt: skip


def hostile(chance: Random) -> Iterator[bytes]:
    """Bodies that no reading takes for a batch: an option that is not there makes sure of it."""
    for end in range(len(GOOD)):
        yield GOOD[:end]
    for depth in (100, 1_000, 100_000):
        yield b"[" * depth
        yield b'{"a":' * depth
        yield b'{"flow":"shout","no-option":1,"records":' + b"[" * depth + b"]" * depth + b"}"
    yield b'{"flow": "shout", "no-option": 1, "records": [NaN, Infinity, -Infinity]}'
    yield b'{"flow": "shout", "no-option": 1, "records": ["\\ud800"]}'
    while True:
        match chance.randrange(3):
            case 0:
                yield chance.randbytes(chance.randrange(200))
            case 1:
                broken = bytearray(GOOD)
                broken[chance.randrange(len(GOOD) - 1)] = 0xFF
                yield bytes(broken)
            case _:
                body = {"flow": "shout", "no-option": 1}
                for _ in range(chance.randrange(1, 4)):
                    body[chance.choice(FIELDS)] = chance.choice(VALUES)
                yield json.dumps(body).encode()


def test_a_thousand_hostile_bodies_are_refused_and_nothing_is_stored(
    client: Client, fanfold: Fanfold
) -> None:
    bodies = hostile(Random(7))
    for number in range(1_000):
        body = next(bodies)
        place = "/api/runs" if number % 4 == 3 else "/api/batches"
        answer = client.post(place, content=body, headers={"Content-Type": "application/json"})
        assert 400 <= answer.status_code < 500, (number, body, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert str(fanfold.settings.home) not in answer.text
    assert fanfold.ports.batches.find() == []
    assert list((fanfold.settings.home / "blobs").glob("*")) == []
