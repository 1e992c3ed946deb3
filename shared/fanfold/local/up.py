"""Everything together: emulators, topics, functions, sweeps. Up while the block lasts.

    lock the home ─▶ start all ─▶ all answer ─▶ topics, pushed to the functions ─▶ up.json ─▶ tend …
                                                                                              │
    unlock ◀── end emulators ◀── end functions ◀── no up.json, no sweeps ◀── the block ends ──┘

A function that dies is started again. An emulator of our own is not: what it held is gone with it.
One of somebody else's may be restarted by them, and gets its topics again. Nothing is lost by
ending in the midst of work but what lies in emulators of our own.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from fanfold import log
from fanfold.engines.embedded.home import prepare_home
from fanfold.errors import FanfoldError, OptionInvalid
from fanfold.local import functions, libraries, topics
from fanfold.local.addresses import free_port, is_free
from fanfold.local.emulators import (
    LOOK_SECONDS,
    READY_SECONDS,
    find_emulators,
    until_listening,
)
from fanfold.local.guard import Guard
from fanfold.local.process import Process, end_all
from fanfold.local.pusher import pushing
from fanfold.local.standing import Standing, announced, lock_of
from fanfold.local.sweeper import Sweeper
from fanfold.settings import Settings

#: for what a function is at; longer, and it is delivered again
_GRACE_SECONDS = 3.0
#: how often to see whether somebody else's emulator still has the topics
_TOPICS_SECONDS = 3.0
#: how often in a row a function may die before it answers
_MAX_STILLBORN = 5


class CannotBringUp(FanfoldError):
    """Something did not start. `fanfold doctor` says what this machine lacks."""


class FellDown(FanfoldError):
    """Something that was up has ended for good. Start it again: `fanfold up --engine google`."""


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


@dataclass(frozen=True, slots=True)
class Part:
    """A line of what runs where."""

    name: str
    host: str
    #: None: somebody else's
    pid: int | None
    log: str | None


class Up:
    """What is up. `tend` it now and then."""

    def __init__(
        self,
        settings: Settings,
        standing: Standing,
        emulators: Sequence[Process],
        served: Sequence[_Served],
    ) -> None:
        self.settings = settings
        self.standing = standing
        self._emulators = list(emulators)
        self._served = list(served)
        self._looked_at = time.monotonic()

    @property
    def keeps(self) -> bool:
        """Whether what is stored outlives this: the emulators are somebody else's."""
        return not self._emulators

    def parts(self) -> list[Part]:
        processes = {it.name: it for it in self._emulators}
        hosts = {"firestore": self.standing.firestore, "pubsub": self.standing.pubsub}
        parts = [_part(name, host, processes.get(name)) for name, host in hosts.items()]
        return parts + [_part(it.name, f"127.0.0.1:{it.port}", it.process) for it in self._served]

    def tend(self) -> None:
        """Start again what died. Raises FellDown when that is no use."""
        self._tend_topics()
        for emulator in self._emulators:
            if (how := emulator.ended()) is not None:
                raise FellDown(
                    f"the {emulator.name} emulator {how}, and what it held is gone. Its log: "
                    f"{emulator.log}"
                )
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

    def _tend_topics(self) -> None:
        if self._emulators or time.monotonic() - self._looked_at < _TOPICS_SECONDS:
            return
        self._looked_at = time.monotonic()
        try:
            if topics.are_there(self.settings) is False:
                self.claim()
                log.warning(
                    "emulator.restarted",
                    "the pubsub emulator has lost its topics, as by a restart, and the messages in "
                    "them; the topics are made again",
                )
        except Exception as error:  # noqa: BLE001  it ends or begins just now: later
            log.warning("topics.failed", f"{type(error).__name__}: {error}")

    def claim(self) -> None:
        """The topics, for these functions."""
        topics.claim_topics(self.settings, self.standing.functions["run_flow"])


@contextmanager
def brought_up(
    settings: Settings,
    *,
    base_port: int | None = None,
    instead: Mapping[str, Path] | None = None,
    service_pushes: bool = False,
    say: Callable[[str], None] = lambda _line: None,
) -> Iterator[Up]:
    """With the emulators that the settings name, or with ones of its own. `instead`: the source of
    a function, by its name, that is to be served in the stead of ours. `service_pushes`: what
    answers at the emulator's address pushes as the real service does."""
    _check()
    own = [name for name, host in _hosts(settings).items() if not host]
    programs = find_emulators() if own else None
    home = prepare_home(settings.home)
    with ExitStack() as held:
        held.enter_context(lock_of(home))
        logs = _emptied(home / "logs")
        guard = held.enter_context(Guard())
        ports = _ports(base_port, len(own) + len(functions.NAMES))
        hosts = _hosts(settings) | {name: f"127.0.0.1:{next(ports)}" for name in own}
        settings = settings.model_copy(
            update={
                "engine": "google",
                "home": home,
                "firestore_emulator_host": hosts["firestore"],
                "pubsub_emulator_host": hosts["pubsub"],
            }
        )
        emulators: list[Process] = []
        held.callback(end_all, emulators, _GRACE_SECONDS)
        if programs is not None:
            commands = {
                "firestore": programs.firestore_at(hosts["firestore"]),
                "pubsub": programs.pubsub_at(hosts["pubsub"]),
            }
            emulators += [
                Process(name, commands[name], logs / f"{name}.log", guard=guard) for name in own
            ]
        sources = functions.sources() | dict(instead or {})
        served = [
            _served(name, sources[name], next(ports), settings, logs, guard)
            for name in functions.NAMES
        ]
        held.callback(end_all, [it.process for it in served], _GRACE_SECONDS)
        say(f"starting {_listed([*own, *functions.NAMES])}")
        for process in (*emulators, *(it.process for it in served)):
            process.start()
        for emulator in emulators:
            until_listening(hosts[emulator.name], emulator)
        for it in served:
            _until_ready(it)
        urls = {it.name: f"http://127.0.0.1:{it.port}/" for it in served}
        up = Up(settings, _standing(settings, urls, logs), emulators, served)
        to = {station: urls[name] for station, name in functions.SERVES.items()}
        if service_pushes:
            topics.push_to(settings, to)
        else:
            up.claim()
            held.enter_context(pushing(settings, to))
        (sweep,) = [it.port for it in served if it.name == "sweep"]
        with announced(up.standing), Sweeper(sweep):
            yield up


def _check() -> None:
    if missing := libraries.missing_clients() + libraries.missing_serving():
        raise CannotBringUp(f"not installed: {', '.join(missing)}. {libraries.INSTALL}")
    functions.functions_folder()


def _hosts(settings: Settings) -> dict[str, str]:
    return {
        "firestore": settings.firestore_emulator_host,
        "pubsub": settings.pubsub_emulator_host,
    }


def _ports(base: int | None, number: int) -> Iterator[int]:
    if base is None:
        chosen: set[int] = set()
        while len(chosen) < number:
            chosen.add(free_port())
        return iter(chosen)
    ports = range(base, base + number)
    taken = [port for port in ports if not is_free(port)]
    if taken or ports.stop > 1 << 16:
        which = f"port {taken[0]} is taken" if taken else "there are not so many ports"
        raise OptionInvalid(f"--port {base}: {number} ports from there on are needed; {which}")
    return iter(ports)


def _emptied(folder: Path) -> Path:
    """Of what an earlier one wrote."""
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*"):
        with suppress(OSError):
            old.unlink()
    return folder


def _served(
    name: str, source: Path, port: int, settings: Settings, logs: Path, guard: Guard
) -> _Served:
    command = functions.command_of(name, source, port)
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


def _standing(settings: Settings, urls: dict[str, str], logs: Path) -> Standing:
    return Standing(
        pid=os.getpid(),
        project=settings.project,
        database=settings.database,
        prefix=settings.prefix,
        home=str(settings.home),
        flows=settings.flows,
        firestore=settings.firestore_emulator_host,
        pubsub=settings.pubsub_emulator_host,
        functions=urls,
        logs=str(logs),
        bucket=settings.bucket,
        storage=settings.storage_emulator_host,
    )


def _part(name: str, host: str, process: Process | None) -> Part:
    if process is None:
        return Part(name, host, None, None)
    return Part(name, host, process.pid, str(process.log))


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"
