"""A cloud of its own for each test, the engine on it, and an endpoint that it may push to."""

from __future__ import annotations

import json
import socket
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Condition, Event, Thread
from typing import Any

import pytest

from fanfold.engines.folder_blobs import FolderBlobs
from fanfold.engines.google.clients import Clients, open_clients
from fanfold.engines.google.engine import google_engine
from fanfold.engines.google.firestore import Firestore
from fanfold.engines.google.provision import provision
from fanfold.engines.system import SystemIds
from fanfold.ports import Ports
from fanfold.testing.clock import StillClock
from fanfold.testing.cloud import Cloud, running_cloud

PROJECT = "fanfold-test"
NO_CONTENT = 204
_BODILESS = (102, 204)


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with running_cloud(still=True) as cloud:
        yield cloud


@pytest.fixture
def clients(cloud: Cloud) -> Iterator[Clients]:
    with open_clients(cloud.firestore_host, cloud.pubsub_host) as clients:
        yield clients


@pytest.fixture
def firestore(clients: Clients) -> Firestore:
    """The thinnest layer over the calls."""
    return Firestore(clients.firestore, PROJECT)


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def ports(clients: Clients, clock: StillClock, tmp_path: Path) -> Iterator[Ports]:
    provision(clients.publisher, clients.subscriber, PROJECT, "", ack_deadline=10, backoff=False)
    with google_engine(
        clients, FolderBlobs(tmp_path), project=PROJECT, clock=clock, ids=SystemIds(),
        slots=1, lease_seconds=10,
    ) as ports:  # fmt: skip
        yield ports


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    endpoint = Endpoint()
    yield endpoint
    endpoint.close()


@pytest.fixture
def stuck() -> Iterator[Endpoint]:
    """Another one, which answers nobody before its gate is opened."""
    endpoint = Endpoint()
    endpoint.hold()
    yield endpoint
    endpoint.close()


class Pushed:
    """One request."""

    def __init__(self, path: str, content_type: str, body: bytes, connection: Any) -> None:
        self.path = path
        self.content_type = content_type
        self.envelope: dict[str, Any] = json.loads(body)
        self.data = b64decode(self.envelope["message"]["data"])
        self.connection = connection


class Endpoint:
    """A tiny server that messages are pushed to: it notes them and answers as it is told.

    `reply` says what is answered: a status, or None to break the connection off.
    """

    def __init__(self) -> None:
        self.reply: Callable[[Pushed], int | None] = lambda _pushed: NO_CONTENT
        self.pushed: list[Pushed] = []
        #: requests that wait for their answers, and the most there ever were
        self.waiting = 0
        self.most = 0
        self.gate = Event()
        self.gate.set()
        self._changed = Condition()
        self._connections: set[socket.socket] = set()
        self._server = _server_for(self)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/a/function?of=mine"
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def bodies(self) -> list[bytes]:
        return [it.data for it in self.pushed]

    @property
    def times(self) -> Counter[bytes]:
        """How often each message came."""
        return Counter(self.bodies)

    @property
    def attempts(self) -> list[int | None]:
        return [it.envelope.get("deliveryAttempt") for it in self.pushed]

    def until(self, condition: Callable[[], object]) -> None:
        with self._changed:
            self._changed.wait_for(condition)

    def hold(self) -> None:
        """No more answers, until `gate.set()`."""
        self.gate.clear()

    def take(self, pushed: Pushed) -> int | None:
        with self._changed:
            self.pushed.append(pushed)
            self.waiting += 1
            self.most = max(self.most, self.waiting)
            self._changed.notify_all()
        self.gate.wait()
        status = self.reply(pushed)
        with self._changed:
            self.waiting -= 1
            self._changed.notify_all()
        return status

    def opened(self, connection: socket.socket) -> None:
        self._connections.add(connection)

    def hang_up(self) -> None:
        """On all connections, as a server does that they rested on for too long."""
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.gate.set()
        self._server.shutdown()
        self._thread.join()
        self.hang_up()
        self._server.server_close()


def _server_for(endpoint: Endpoint) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            endpoint.opened(self.connection)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            content_type = self.headers["Content-Type"]
            status = endpoint.take(Pushed(self.path, content_type, body, self.client_address))
            if status is None:
                self.close_connection = True
                return
            with suppress(ConnectionError):  # whoever asked does not wait any more
                self.send_response(status)
                if status not in _BODILESS:
                    self.send_header("Content-Length", "0")
                self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    class Server(ThreadingHTTPServer):
        # its threads are waited for
        daemon_threads = False
        request_queue_size = 128

    return Server(("127.0.0.1", 0), Handler)
