"""Calls the sweep now and then, as the scheduler does in the cloud."""

from __future__ import annotations

import http.client
from threading import Event, Thread
from types import TracebackType
from typing import Self

from fanfold import log

SWEEP_SECONDS = 15.0
_CALL_SECONDS = 60.0


class Sweeper:
    def __init__(self, port: int, seconds: float = SWEEP_SECONDS) -> None:
        self._port = port
        self._seconds = seconds
        self._ending = Event()
        self._thread = Thread(target=self._run, name="fanfold-sweeper", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """A call that is under way is not waited for: sweeping half is harmless."""
        self._ending.set()

    def _run(self) -> None:
        while not self._ending.wait(self._seconds):
            status = self._call()
            if status != http.client.OK and not self._ending.is_set():
                log.warning("sweep.failed", "see its log; it is called again", status=status)

    def _call(self) -> int | str:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_CALL_SECONDS)
        try:
            connection.request("POST", "/", body=b"")
            return connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            return type(error).__name__
        finally:
            connection.close()
