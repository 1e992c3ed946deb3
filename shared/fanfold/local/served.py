"""The six functions of `fanfold up`, each in a process of its own, and who pushes to them."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fanfold import log
from fanfold.local import functions, topics
from fanfold.local.crew import CannotBringUp, FellDown, Part
from fanfold.local.emulators import LOOK_SECONDS, READY_SECONDS
from fanfold.local.guard import Guard
from fanfold.local.process import Process, end_all
from fanfold.local.pusher import pushing
from fanfold.local.sweeper import Sweeper
from fanfold.settings import Settings

#: how often in a row a function may die before it answers
_MAX_STILLBORN = 5


@dataclass(slots=True)
class _Served:
    """A function, and how it fares."""

    process: Process
    port: int
    is_ready: bool = False
    stillborn: int = 0

    @property
    def name(self) -> str:
        return self.process.name


class ServedFunctions:
    def __init__(
        self,
        settings: Settings,
        ports: Sequence[int],
        logs: Path,
        guard: Guard,
        instead: Mapping[str, Path],
        *,
        python: str = sys.executable,
        service_pushes: bool,
    ) -> None:
        """`instead`: the source of a function, by its name, that is to be served in the stead of
        ours; `python`: whose libraries they see. `service_pushes`: what answers at the emulator's
        address pushes as the real service does."""
        sources = functions.sources() | dict(instead)
        self._service_pushes = service_pushes
        self._served = [
            _served(name, sources[name], port, settings, logs, guard, python)
            for name, port in zip(functions.NAMES, ports, strict=True)
        ]

    @property
    def names(self) -> list[str]:
        return [it.name for it in self._served]

    @property
    def urls(self) -> dict[str, str]:
        return {it.name: f"http://127.0.0.1:{it.port}/" for it in self._served}

    def start(self) -> None:
        for it in self._served:
            it.process.start()

    def until_ready(self) -> None:
        for it in self._served:
            _until_ready(it)

    def claim(self, settings: Settings) -> None:
        topics.claim_topics(settings, self.urls["run_flow"])

    @contextmanager
    def at_work(self, settings: Settings) -> Iterator[None]:
        to = {station: self.urls[name] for station, name in functions.SERVES.items()}
        (sweep,) = [it.port for it in self._served if it.name == "sweep"]
        if self._service_pushes:
            topics.push_to(settings, to)
            with Sweeper(sweep):
                yield
        else:
            self.claim(settings)
            with pushing(settings, to), Sweeper(sweep):
                yield

    def parts(self) -> list[Part]:
        return [
            Part(it.name, f"127.0.0.1:{it.port}", it.process.pid, str(it.process.log))
            for it in self._served
        ]

    def tend(self) -> None:
        for it in self._served:
            how = it.process.ended()
            if how is None:
                if not it.is_ready and functions.is_ready(it.port, LOOK_SECONDS):
                    it.is_ready, it.stillborn = True, 0
                continue
            it.stillborn += 1
            if it.stillborn >= _MAX_STILLBORN:
                raise FellDown(
                    f"the function {it.name} {how}, again and again: {it.process.last_words()} "
                    f"Its log: {it.process.log}"
                )
            log.warning("function.died", f"{it.name} {how}; started again", pid=it.process.pid)
            it.is_ready = False
            it.process.start()

    def end(self, seconds: float) -> None:
        end_all([it.process for it in self._served], seconds)


def _served(
    name: str,
    source: Path,
    port: int,
    settings: Settings,
    logs: Path,
    guard: Guard,
    python: str,
) -> _Served:
    command = functions.command_of(name, source, port, python)
    env = functions.environment_of(name, settings)
    return _Served(Process(name, command, logs / f"{name}.log", guard=guard, env=env), port)


def _until_ready(it: _Served) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not functions.is_ready(it.port):
        if (how := it.process.ended()) is not None:
            raise CannotBringUp(
                f"the function {it.name} {how}: {it.process.last_words()} Its log: {it.process.log}"
            )
        if time.monotonic() > deadline:
            raise CannotBringUp(
                f"the function {it.name} does not answer. Its log: {it.process.log}"
            )
        time.sleep(LOOK_SECONDS)
    it.is_ready = True
