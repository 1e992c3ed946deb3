"""A body that is the source: read as it arrives, and refused by its line."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator

import pytest
from httpx import Client

from fanfold.testing.working import work
from fanfold.wiring import Fanfold

URL = "/api/batches/upload"
LINES = b'{"id": "a", "text": "ah"}\n{"id": "b", "text": "oh"}\n'
NDJSON = {"Content-Type": "application/x-ndjson"}
CSV = {"Content-Type": "text/csv; charset=utf-8"}


def outputs(client: Client, fanfold: Fanfold, batch_id: str) -> list[object]:
    work(fanfold.ports, library=fanfold.library)
    text = client.get(f"/api/batches/{batch_id}/results").text
    return [json.loads(it)["output"] for it in text.splitlines()]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (LINES, NDJSON),
        (gzip.compress(LINES, mtime=0), NDJSON),
        (b"id,text\na,ah\nb,oh\n", CSV),
    ],
    ids=["lines", "packed", "csv"],
)
def test_what_is_sent_is_the_source(
    client: Client, fanfold: Fanfold, body: bytes, headers: dict[str, str]
) -> None:
    answer = client.post(URL, params={"flow": "shout"}, content=body, headers=headers)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"/api/batches/{answer.json()['id']}"
    assert answer.json()["source"].startswith("body")
    assert outputs(client, fanfold, answer.json()["id"]) == ["AH", "OH"]


def test_it_may_be_larger_than_any_other_body(client: Client, fanfold: Fanfold) -> None:
    def pieces() -> Iterator[bytes]:
        for number in range(60):
            yield json.dumps({"id": str(number), "text": "x" * 400_000}).encode() + b"\n"

    options = json.dumps({"max_records": 3, "shuffle": False})
    answer = client.post(
        URL, params={"flow": "shout", "options": options}, content=pieces(), headers=NDJSON
    )
    assert answer.status_code == 201, answer.text
    assert len(outputs(client, fanfold, answer.json()["id"])) == 3


def test_options_stand_beside_it_and_the_same_key_asks_for_the_same_batch(client: Client) -> None:
    params = {"flow": "shout", "options": json.dumps({"concurrency": 7, "label": "x"})}
    headers = {**NDJSON, "Idempotency-Key": "mine"}
    first, again = (
        client.post(URL, params=params, content=LINES, headers=headers).json() for _ in range(2)
    )
    assert first["id"] == again["id"]
    assert (first["options"]["concurrency"], first["label"]) == (7, "x")


@pytest.mark.parametrize(
    ("flow", "options", "body", "status", "told"),
    [
        ("shout", "{}", b'{"id": "a"}\n{"id": \n', 400, "body:2: not JSON"),
        ("shout", "{", LINES, 400, "options: not JSON"),
        ("shout", "[]", LINES, 400, "one JSON object"),
        ("shout", '{"concurrency": 0}', LINES, 400, "options: concurrency: "),
        ("shout", '{"records": []}', LINES, 400, "records is no option"),
        ("shout", '{"files": "path"}', LINES, 400, "body is no file"),
        ("nope", "{}", LINES, 404, "no such flow"),
        ("", "{}", LINES, 422, "flow"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_stored(
    client: Client, fanfold: Fanfold, flow: str, options: str, body: bytes, status: int, told: str
) -> None:
    params = {"flow": flow, "options": options}
    answer = client.post(URL, params=params, content=body, headers=NDJSON)
    assert (answer.status_code, told in answer.json()["detail"]) == (status, True), answer.text
    assert fanfold.ports.batches.find() == []


def test_every_line_that_is_wrong_is_told_and_nothing_is_stored(
    client: Client, fanfold: Fanfold
) -> None:
    long = b"x" * 1600
    body = b'{"text": "a"}\n{"text": 5}\n\n{"text": \n{"id": "%s"}\n{"text": "c"}\n' % long
    answer = client.post(URL, params={"flow": "typed"}, content=body, headers=NDJSON)
    assert answer.status_code == 400
    problem = answer.json()
    assert problem["type"] == "urn:fanfold:records-invalid"
    assert problem["detail"].startswith("3 records are wrong; the first: body:2: ")
    assert [(it["line"], it["loc"]) for it in problem["errors"]] == [
        (2, ["body", "2"]), (4, ["body", "4"]), (5, ["body", "5"]),
    ]  # fmt: skip
    assert "text" in problem["errors"][0]["msg"]
    assert problem["errors"][1]["msg"].startswith("not JSON")
    assert fanfold.ports.batches.find() == []
    assert list((fanfold.settings.home / "blobs").glob("*")) == []


def test_of_very_many_the_first_are_told_and_no_more_is_read(client: Client) -> None:
    body = b'{"text": 5}\n' * 50_000
    answer = client.post(URL, params={"flow": "typed"}, content=body, headers=NDJSON)
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("at least 20 records are wrong; the first: body:1: ")
    assert len(answer.json()["errors"]) == 20


def test_a_sample_of_good_lines_is_not_taken_from_a_body_with_wrong_ones_among_them(
    client: Client, fanfold: Fanfold
) -> None:
    params = {"flow": "typed", "options": '{"max_records": 2, "shuffle": false}'}
    body = b'{"text": 5}\n{"text": "a"}\n{"text": "b"}\n{"text": "c"}\n'
    answer = client.post(URL, params=params, content=body, headers=NDJSON)
    assert (answer.status_code, answer.json()["errors"][0]["line"]) == (400, 1)
    assert fanfold.ports.batches.find() == []


def test_what_cannot_be_read_on_is_told_with_what_was_wrong_before(client: Client) -> None:
    body = b'id,text\na,1\nb,"2\n'
    answer = client.post(URL, params={"flow": "typed"}, content=b"\xff\n" + body, headers=NDJSON)
    assert [it["line"] for it in answer.json()["errors"]] == [1, 2, 3, 4]


def test_records_in_a_request_are_told_by_their_numbers(client: Client, fanfold: Fanfold) -> None:
    records = [{"text": "a"}, {"text": 5}, {"text": "b"}, {"id": "x" * 1600, "text": "c"}]
    answer = client.post("/api/batches", json={"flow": "typed", "records": records})
    assert answer.status_code == 400
    assert [it["loc"][1] for it in answer.json()["errors"]] == ["1", "3"]
    assert fanfold.ports.batches.find() == []


@pytest.mark.parametrize(("lines", "many"), [(20, "20 records"), (21, "at least 20 records")])
def test_only_of_more_than_are_told_it_is_said_that_there_may_be_others(
    client: Client, lines: int, many: str
) -> None:
    body = b'{"text": 5}\n' * lines
    problem = client.post(URL, params={"flow": "typed"}, content=body, headers=NDJSON).json()
    assert problem["detail"].startswith(f"{many} are wrong; the first: body:1: text: ")
    assert [it["line"] for it in problem["errors"]] == list(range(1, 21))


def test_a_record_keeps_its_number_behind_one_that_cannot_be_a_record(client: Client) -> None:
    records = [{"id": "x" * 1600, "text": "a"}, {"text": 5}, {"text": "b"}, {"text": 6}]
    answer = client.post("/api/batches", json={"flow": "typed", "records": records})
    assert [it["loc"][1] for it in answer.json()["errors"]] == ["0", "1", "3"]
    params = {"flow": "typed", "options": '{"format": "json"}'}
    answer = client.post(URL, params=params, content=json.dumps(records).encode())
    assert [it["loc"] for it in answer.json()["errors"]] == [["body", it] for it in "013"]
    assert answer.json()["errors"][1]["msg"].startswith("text: ")


def test_what_a_flows_own_source_raises_tells_nothing_of_the_server(
    client: Client, fanfold: Fanfold
) -> None:
    answer = client.post("/api/batches", json={"flow": "broken"})
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:fanfold:source-broken")
    assert "/srv/private" not in answer.text
    assert fanfold.ports.batches.find() == []


def test_a_body_that_breaks_off_starts_nothing(client: Client, fanfold: Fanfold) -> None:
    def pieces() -> Iterator[bytes]:
        yield LINES
        raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        client.post(URL, params={"flow": "shout"}, content=pieces(), headers=NDJSON)
    assert client.get("/api/batches").json() == []
    assert fanfold.ports.batches.find() == []
