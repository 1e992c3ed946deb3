"""The stand-in for buckets does as the real service does, where it matters."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse, RemoteDisconnected
from urllib.parse import urlsplit

import pytest

from fanfold.testing.cloud import Fault
from fanfold.testing.cloud.objects import QUANTUM
from fanfold.testing.cloud.storage import Storage, running_storage

BLOBS = "/storage/v1/b/mine/o"
PART = b"x" * QUANTUM


@pytest.fixture
def storage() -> Iterator[Storage]:
    with running_storage("mine") as storage:
        yield storage


class Caller:
    def __init__(self, storage: Storage) -> None:
        self._host = urlsplit(storage.url).netloc

    def __call__(
        self, verb: str, url: str, body: bytes = b"", **headers: str
    ) -> tuple[int, HTTPResponse, bytes]:
        connection = HTTPConnection(self._host)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(verb, url, body, named)
            response = connection.getresponse()
            return response.status, response, response.read()
        finally:
            connection.close()

    def status(self, verb: str, url: str, body: bytes = b"", **headers: str) -> int:
        return self(verb, url, body, **headers)[0]

    def begin(self, name: str = "a") -> str:
        _, response, _ = self("POST", f"/upload{BLOBS}?uploadType=resumable&name={name}")
        return response.headers["Location"]

    def put(self, name: str, content: bytes) -> dict[str, str]:
        span = f"bytes 0-{len(content) - 1}/{len(content)}"
        _, _, about = self("PUT", self.begin(name), content, Content_Range=span)
        found: dict[str, str] = json.loads(about)
        return found


@pytest.fixture
def call(storage: Storage) -> Caller:
    return Caller(storage)


def test_an_upload_is_seen_when_its_last_part_is_there(storage: Storage, call: Caller) -> None:
    upload = call.begin()
    status, response, _ = call("PUT", upload, PART, Content_Range=f"bytes 0-{QUANTUM - 1}/*")
    assert (status, response.headers["Range"]) == (308, f"bytes=0-{QUANTUM - 1}")
    assert call.status("GET", f"{BLOBS}/a?alt=media", Range="bytes=0-9") == 404
    last = f"bytes {QUANTUM}-{QUANTUM + 1}/{QUANTUM + 2}"
    assert call.status("PUT", upload, b"yz", Content_Range=last) == 200
    assert call.status("PUT", upload, b"yz", Content_Range=last) == 200
    assert storage.objects.all("mine")["a"].content == PART + b"yz"


def test_what_is_sent_again_is_ignored_and_what_is_left_out_is_missed(
    storage: Storage, call: Caller
) -> None:
    upload = call.begin()
    for _ in range(2):
        assert call.status("PUT", upload, PART, Content_Range=f"bytes 0-{QUANTUM - 1}/*") == 308
    gap = f"bytes {QUANTUM + 1}-{QUANTUM + 1}/{QUANTUM + 2}"
    assert call.status("PUT", upload, b"y", Content_Range=gap) == 503
    assert call.status("PUT", upload, Content_Range=f"bytes */{QUANTUM}") == 200
    assert storage.objects.all("mine")["a"].content == PART


@pytest.mark.parametrize(
    ("body", "span"),
    [(b"x", "bytes 0-0/*"), (b"xy", "bytes 0-0/1"), (b"x", "0-0/1"), (b"x", "bytes */1")],
)
def test_a_part_that_is_not_what_it_says_is_refused(call: Caller, body: bytes, span: str) -> None:
    assert call.status("PUT", call.begin(), body, Content_Range=span) == 400


def test_a_canceled_upload_is_gone(storage: Storage, call: Caller) -> None:
    upload = call.begin()
    assert storage.objects.open_uploads() == 1
    assert call.status("DELETE", upload) == 499
    assert call.status("PUT", upload, b"x", Content_Range="bytes 0-0/1") == 404
    assert storage.objects.open_uploads() == 0


def test_a_range_is_cut_at_the_end_and_refused_behind_it(call: Caller) -> None:
    call.put("a", b"hello")
    status, response, content = call("GET", f"{BLOBS}/a?alt=media", Range="bytes=1-99")
    assert (status, response.headers["Content-Range"], content) == (206, "bytes 1-4/5", b"ello")
    assert call.status("GET", f"{BLOBS}/a?alt=media", Range="bytes=5-9") == 416


def test_a_blob_that_is_replaced_has_another_generation(call: Caller) -> None:
    first = call.put("a", b"one")["generation"]
    again = call.put("a", b"one")["generation"]
    assert first != again
    asked = f"{BLOBS}/a?alt=media&generation="
    assert call.status("GET", asked + first, Range="bytes=0-9") == 404
    assert call.status("GET", asked + again, Range="bytes=0-9") == 206


def test_what_is_not_there_is_not_found(call: Caller) -> None:
    assert call.status("DELETE", f"{BLOBS}/a") == 404
    assert call.status("GET", "/storage/v1/b/yours/o?maxResults=1") == 404
    assert call.status("POST", "/upload/storage/v1/b/yours/o?uploadType=resumable&name=a") == 404


@pytest.mark.parametrize(
    ("verb", "url"),
    [
        ("GET", BLOBS),
        ("POST", f"/upload{BLOBS}?uploadType=multipart"),
        ("GET", f"{BLOBS}/a?alt=json"),
        ("GET", f"{BLOBS}/a?alt=media"),
        ("DELETE", "/storage/v1/b/mine"),
    ],
)
def test_a_call_that_the_engine_does_not_make_is_refused(call: Caller, verb: str, url: str) -> None:
    call.put("a", b"one")
    assert call.status(verb, url) == 501


def test_credentials_are_refused(call: Caller) -> None:
    assert call.status("GET", f"{BLOBS}?maxResults=1", Authorization="Bearer secret") == 401


def test_faults_strike_before_it_is_done_or_after(storage: Storage, call: Caller) -> None:
    for name in "ab":
        call.put(name, b"one")
    storage.faults.add(Fault("delete", "denied", nth=1))
    storage.faults.add(Fault("delete", "lost-reply", touching="mine/b"))
    assert call.status("DELETE", f"{BLOBS}/a") == 403
    with pytest.raises(RemoteDisconnected):
        call("DELETE", f"{BLOBS}/b")
    assert set(storage.objects.all("mine")) == {"a"}
    assert storage.operations.calls["delete"] == 2
