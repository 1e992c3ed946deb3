"""The workers of `fanfold up --delivery pull`: they pull what functions would be pushed.

They do the rounds themselves, sweeps included; nothing else is needed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fanfold.local import topics
from fanfold.local.crew import CannotBringUp, FellDown, Part
from fanfold.local.emulators import LOOK_SECONDS, READY_SECONDS
from fanfold.local.process import last_line
from fanfold.settings import Settings
from fanfold.worker.supervisor import Supervisor


@dataclass(frozen=True, slots=True)
class Pulling:
    """How to start a worker process, and how many."""

    command: Sequence[str]
    processes: int


class PullingWorkers:
    def __init__(self, settings: Settings, pulling: Pulling, logs: Path) -> None:
        self._log = logs / "workers.log"
        self._output = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC)
        self._supervisor = Supervisor(
            pulling.command,
            pulling.processes,
            env=settings.environment(),
            output=self._output,
        )
        self._processes = pulling.processes
        self._prefix = settings.prefix

    @property
    def names(self) -> list[str]:
        return [f"{self._processes} workers" if self._processes > 1 else "a worker"]

    @property
    def urls(self) -> dict[str, str]:
        return {}

    def start(self) -> None:
        """Not yet: without topics there is nothing to pull from."""

    def until_ready(self) -> None:
        """Likewise."""

    def claim(self, settings: Settings) -> None:
        topics.claim_topics(settings)

    @contextmanager
    def at_work(self, settings: Settings) -> Iterator[None]:
        self.claim(settings)
        self._supervisor.start()
        deadline = time.monotonic() + READY_SECONDS
        while not self._supervisor.is_at_work:
            if not self._supervisor.tend() or time.monotonic() > deadline:
                raise CannotBringUp(f"no worker begins: {last_line(self._log)} Log: {self._log}")
            time.sleep(LOOK_SECONDS)
        yield

    def parts(self) -> list[Part]:
        pids = self._supervisor.pids
        where = f"pull from {self._prefix}fanfold-*"
        return [Part(f"worker {n}", where, pid, str(self._log)) for n, pid in enumerate(pids, 1)]

    def tend(self) -> None:
        if not self._supervisor.tend():
            raise FellDown(f"the workers keep dying: {last_line(self._log)} Log: {self._log}")

    def end(self, seconds: float) -> None:
        self._supervisor.drain()
        if not self._supervisor.wait(seconds):
            self._supervisor.kill()
            self._supervisor.wait(None)
        os.close(self._output)
