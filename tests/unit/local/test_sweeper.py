"""The sweep is called now and then, and a failure is told and ends nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from fanfold.local.addresses import free_port
from fanfold.local.sweeper import Sweeper

Until = Callable[[Callable[[], object]], None]


class Server(HTTPServer):
    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.calls: list[str] = []
        super().__init__(("127.0.0.1", 0), Handler)

    def __enter__(self) -> Server:
        self._thread = Thread(target=self.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Server)
        self.server.calls.append(self.path)
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


def test_it_is_called_again_and_again_also_after_a_failure(
    until: Until, caplog: pytest.LogCaptureFixture
) -> None:
    with Server(200, 500) as server, Sweeper(server.server_port, 0.001):
        until(lambda: len(server.calls) >= 3)
    assert set(server.calls) == {"/"}
    told = [it for it in caplog.records if it.levelno == logging.WARNING]
    assert "sweep.failed" in told[0].getMessage()


def test_that_nobody_is_there_is_told(until: Until, caplog: pytest.LogCaptureFixture) -> None:
    with Sweeper(free_port(), 0.001):
        until(lambda: caplog.records)
    assert caplog.records[0].__dict__["context"] == {"status": "ConnectionRefusedError"}
