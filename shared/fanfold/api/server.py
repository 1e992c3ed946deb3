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


@contextmanager
def served(app: Callable[..., Any], host: str = LOOPBACK, port: int = 0) -> Iterator[str]:
    """Its address, once it answers. Port 0: any that is free. Raises OptionInvalid for one that is
    not."""
    try:
        listening = socket.create_server((host, port))
    except OSError as error:
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
