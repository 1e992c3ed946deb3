"""The application served by uvicorn, in a thread of this process."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import uvicorn

from fanfold.errors import OptionInvalid

LOOPBACK = "127.0.0.1"
#: seconds that requests under way may take to end
_GRACE = 5
_LOOK_SECONDS = 0.005
_BACKLOG = 1024


@contextmanager
def served(app: Callable[..., Any], host: str = LOOPBACK, port: int = 0) -> Iterator[str]:
    """Its address, once it answers. Port 0: any that is free. Raises OptionInvalid for one that is
    not."""
    # asyncio sends small answers at once only for what says that it is TCP: else each takes 40 ms
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise OptionInvalid(
            f"{host}:{port} cannot be listened at: {error.strerror}. Name another with --port"
        ) from None
    with listening:
        server = uvicorn.Server(_config(app))
        thread = Thread(
            target=server.run, kwargs={"sockets": [listening]}, name="fanfold-api", daemon=True
        )
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(_LOOK_SECONDS)
        try:
            host, port = listening.getsockname()[:2]
            yield f"http://{host}:{port}"
        finally:
            server.should_exit = True
            thread.join()


def _config(app: Callable[..., Any]) -> uvicorn.Config:
    # signals are the main thread's business, and so is what is logged
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=_GRACE,
    )
