"""As much of Globus Auth as its command line asks for, on this machine: tokens for a client that
says its secret, and the names of identities."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

CLIENT = "0b8e8d5e-3a6e-4d0c-9a2b-5f2d1c7e9a10"
SECRET = "not-a-secret"  # noqa: S105  it is asked for by nobody else


@contextmanager
def token_service(token: str, names: dict[str, str]) -> Iterator[str]:
    """Its address. Everybody gets this token; `names`: what identities are called."""

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            (scope,) = parse_qs(body)["scope"]
            self._answer(
                {
                    "access_token": token,
                    "scope": scope,
                    "expires_in": 3600,
                    "resource_server": "all of them",
                    "token_type": "Bearer",
                    "other_tokens": [],
                }
            )

        def do_GET(self) -> None:
            asked = parse_qs(urlsplit(self.path).query).get("ids", [""])[0].split(",")
            found = [{"id": it, "username": names[it]} for it in asked if it in names]
            self._answer({"identities": found})

        def _answer(self, document: dict[str, Any]) -> None:
            body = json.dumps(document).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its base's word
            """A test reads its own output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
