"""An in-memory stand-in for the calls of Cloud Storage that the google engine makes.

    with running_storage("mine") as storage, open_bucket_blobs("gs://mine", storage.url) as blobs:
        storage.faults.add(Fault("upload", "lost-reply", nth=2))
        ...
        assert storage.operations.calls["download"] == 1

An HTTP server on a port of this machine. It knows the calls of `fanfold.engines.google.bucket`, as
its own names for them say, and refuses every other. It is not gcp-storage-emulator, which lay
untouched for two years until 2026, took parts of uploads for blobs, counts nothing and never fails.
Where it and the real service differ, it is wrong.
"""

from __future__ import annotations

import json
import re
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread
from typing import Any, cast
from urllib.parse import parse_qsl, unquote, urlsplit

import grpc

from fanfold.testing.cloud.faults import Faults
from fanfold.testing.cloud.objects import Blob, Objects
from fanfold.testing.cloud.operations import Meter, Operations
from fanfold.testing.cloud.refusal import Refusal, invalid, unimplemented

_STATUS = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.OUT_OF_RANGE: 416,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.UNAVAILABLE: 503,
}
_RANGE = re.compile(r"bytes=(\d+)-(\d+)")
_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(?:(\d+)|\*)")


@dataclass(frozen=True, slots=True)
class _Request:
    bucket: str
    name: str
    query: dict[str, str]
    headers: Any
    body: bytes

    def SerializeToString(self) -> bytes:  # noqa: N802  what a fault asks of messages
        return f"{self.bucket}/{self.name} {self.query}".encode()


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class _Call:
    #: what tests name it by
    name: str
    verb: str
    path: str
    #: its parameters, but those that may be left out
    query: frozenset[str]
    answer: Callable[[Storage, _Request], _Answer]


class Storage:
    def __init__(self, buckets: tuple[str, ...]) -> None:
        self.faults = Faults()
        self.objects = Objects(buckets)
        #: how many are listed at once
        self.page_names = 1000
        self._meter = Meter()
        self._server = _Server(self)
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), name="storage")
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @property
    def operations(self) -> Operations:
        """What has been done so far."""
        return self._meter.snapshot()

    def left_alone(self, seconds: float = 5.0) -> bool:
        """Whether all who called have hung up by then."""
        with self._server.changed:
            return self._server.changed.wait_for(lambda: not self._server.connections, seconds)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.hang_up()
        self._server.server_close()
        self._thread.join()

    def answer(self, verb: str, url: str, headers: Any, body: bytes) -> _Answer | None:
        """None: it is done, and nobody hears of it."""
        try:
            call, request = _understood(verb, url, headers, body)
            self._meter.called(call.name)
            strikes = self.faults.strike(call.name, request)
            strikes.before()
            answer = call.answer(self, request)
        except Refusal as refusal:
            status = _STATUS[refusal.code]
            error = {"error": {"code": status, "message": refusal.message}}
            return _Answer(status, {}, json.dumps(error).encode())
        return None if "lost-reply" in strikes else answer

    def begin(self, request: _Request) -> _Answer:
        number = self.objects.begin(request.bucket, request.query["name"])
        place = f"{self.url}/upload/storage/v1/b/{request.bucket}/o"
        return _Answer(200, {"Location": f"{place}?uploadType=resumable&upload_id={number}"})

    def upload(self, request: _Request) -> _Answer:
        span = _CONTENT_RANGE.fullmatch(request.headers.get("Content-Range", ""))
        if span is None:
            raise invalid("a part says where it belongs")
        start, stop, size = (None if it is None else int(it) for it in span.groups())
        if len(request.body) != (0 if start is None or stop is None else stop + 1 - start):
            raise invalid("a part has as many bytes as it says")
        stored = self.objects.upload(request.query["upload_id"], start, request.body, size)
        if isinstance(stored, Blob):
            about = {"size": str(len(stored.content)), "generation": stored.generation}
            return _Answer(200, {}, json.dumps(about).encode())
        return _Answer(308, {"Range": f"bytes=0-{stored - 1}"} if stored else {})

    def cancel(self, request: _Request) -> _Answer:
        self.objects.cancel(request.query["upload_id"])
        return _Answer(499)

    def download(self, request: _Request) -> _Answer:
        generation = request.query.get("generation")
        blob = self.objects.get(request.bucket, request.name, generation)
        span = _RANGE.fullmatch(request.headers.get("Range", ""))
        if span is None:
            raise unimplemented("download of anything but a range")
        start, stop = int(span[1]), int(span[2]) + 1
        content = blob.content[start:stop]
        if not content:
            raise Refusal(grpc.StatusCode.OUT_OF_RANGE, "Request range not satisfiable")
        headers = {
            "Content-Range": f"bytes {start}-{start + len(content) - 1}/{len(blob.content)}",
            "X-Goog-Generation": blob.generation,
        }
        return _Answer(206, headers, content)

    def delete(self, request: _Request) -> _Answer:
        self.objects.delete(request.bucket, request.name)
        return _Answer(204)

    def list(self, request: _Request) -> _Answer:
        names = sorted(self.objects.all(request.bucket))[: int(request.query["maxResults"])]
        return _Answer(200, {}, json.dumps({"items": [{"name": it} for it in names]}).encode())

    def names(self, request: _Request) -> _Answer:
        """Right under a prefix, a page of them: what lies in a folder there is left out."""
        prefix, after = request.query.get("prefix", ""), request.query.get("pageToken", "")
        found = [
            name
            for name in sorted(self.objects.all(request.bucket))
            if name.startswith(prefix) and "/" not in name.removeprefix(prefix) and name > after
        ]
        page: dict[str, Any] = {"items": [{"name": it} for it in found[: self.page_names]]}
        if len(found) > self.page_names:
            page["nextPageToken"] = found[self.page_names - 1]
        return _Answer(200, {}, json.dumps(page).encode())


_BLOBS = "/storage/v1/b/([^/]+)/o"
_UPLOAD = frozenset({"uploadType", "upload_id"})
_OPTIONAL = frozenset({"generation", "prefix", "pageToken"})
_CALLS = (
    _Call("begin", "POST", f"/upload{_BLOBS}", frozenset({"uploadType", "name"}), Storage.begin),
    _Call("upload", "PUT", f"/upload{_BLOBS}", _UPLOAD, Storage.upload),
    _Call("cancel", "DELETE", f"/upload{_BLOBS}", _UPLOAD, Storage.cancel),
    _Call("download", "GET", f"{_BLOBS}/([^/]+)", frozenset({"alt"}), Storage.download),
    _Call("delete", "DELETE", f"{_BLOBS}/([^/]+)", frozenset(), Storage.delete),
    _Call("list", "GET", _BLOBS, frozenset({"maxResults"}), Storage.list),
    _Call("names", "GET", _BLOBS, frozenset({"delimiter"}), Storage.names),
)


def _understood(verb: str, url: str, headers: Any, body: bytes) -> tuple[_Call, _Request]:
    if "Authorization" in headers:
        raise Refusal(grpc.StatusCode.UNAUTHENTICATED, "no credentials are for a stand-in")
    path, query = urlsplit(url).path, dict(parse_qsl(urlsplit(url).query))
    for call in _CALLS:
        place = re.fullmatch(call.path, path)
        if verb == call.verb and place and call.query == query.keys() - _OPTIONAL:
            bucket, name = map(unquote, (*place.groups(), "")[:2])
            return call, _Request(bucket, name, query, headers, body)
    raise unimplemented(f"call {verb} {url}")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        storage = cast(_Server, self.server).storage
        answer = storage.answer(self.command, self.path, self.headers, body)
        if answer is None:
            self.close_connection = True
            return
        self.send_response_only(answer.status)
        for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815  their names are http.server's


class _Server(ThreadingHTTPServer):
    #: its threads are waited for: what a test starts ends with it
    daemon_threads = False

    def __init__(self, storage: Storage) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.storage = storage
        self.connections: set[Any] = set()
        self.changed = Condition()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self.changed:
            self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self.changed:
            self.connections.discard(request)
            self.changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # nobody waits for the answer now
            super().handle_error(request, client_address)

    def hang_up(self) -> None:
        with self.changed:
            for connection in self.connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def running_storage(*buckets: str) -> Iterator[Storage]:
    """Ready to be called, with these buckets, empty; forgotten when the block ends."""
    storage = Storage(buckets)
    storage.start()
    try:
        yield storage
    finally:
        storage.stop()
