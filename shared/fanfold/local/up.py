"""Everything together: emulators, topics, and who works. Up while the block lasts.

    lock the home ─▶ start all ─▶ all answer ─▶ topics, pushed or pulled from ─▶ up.json ─▶ tend …
                                                                                            │
    unlock ◀── end emulators ◀── end who works ◀── no pushes or sweeps ◀── the block ends ──┘

A function or a worker that dies is started again. An emulator of our own is not: what it held is
gone with it. One of somebody else's may be restarted by them, and gets its topics again. Nothing is
lost by ending in the midst of work but what lies in emulators of our own.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from fanfold import log
from fanfold.engines.embedded.home import prepare_home
from fanfold.errors import OptionInvalid
from fanfold.local import functions, libraries, topics
from fanfold.local.addresses import free_port, is_free
from fanfold.local.crew import CannotBringUp, Crew, FellDown, Part
from fanfold.local.emulators import find_emulators, until_listening
from fanfold.local.guard import Guard
from fanfold.local.process import Process, end_all
from fanfold.local.pullers import Pulling, PullingWorkers
from fanfold.local.served import ServedFunctions
from fanfold.local.standing import Standing, announced, lock_of
from fanfold.settings import Settings

#: for what a function is at; longer, and it is delivered again
_GRACE_SECONDS = 3.0
#: how often to see whether somebody else's emulator still has the topics
_TOPICS_SECONDS = 3.0


class Up:
    """What is up. `tend` it now and then."""

    def __init__(
        self,
        settings: Settings,
        standing: Standing,
        emulators: Sequence[Process],
        crew: Crew,
    ) -> None:
        self.settings = settings
        self.standing = standing
        self._emulators = list(emulators)
        self._crew = crew
        self._looked_at = time.monotonic()

    @property
    def keeps(self) -> bool:
        """Whether what is stored outlives this: the emulators are somebody else's."""
        return not self._emulators

    def parts(self) -> list[Part]:
        processes = {it.name: it for it in self._emulators}
        hosts = {"firestore": self.standing.firestore, "pubsub": self.standing.pubsub}
        parts = [_part(name, host, processes.get(name)) for name, host in hosts.items()]
        return parts + self._crew.parts()

    def tend(self) -> None:
        """Start again what died. Raises FellDown when that is no use."""
        self._tend_topics()
        for emulator in self._emulators:
            if (how := emulator.ended()) is not None:
                raise FellDown(
                    f"the {emulator.name} emulator {how}, and what it held is gone. Its log: "
                    f"{emulator.log}"
                )
        self._crew.tend()

    def _tend_topics(self) -> None:
        if self._emulators or time.monotonic() - self._looked_at < _TOPICS_SECONDS:
            return
        self._looked_at = time.monotonic()
        try:
            if topics.are_there(self.settings) is False:
                self._crew.claim(self.settings)
                log.warning(
                    "emulator.restarted",
                    "the pubsub emulator has lost its topics, as by a restart, and the messages in "
                    "them; the topics are made again",
                )
        except Exception as error:  # noqa: BLE001  it ends or begins just now: later
            log.warning("topics.failed", f"{type(error).__name__}: {error}")


@contextmanager
def brought_up(
    settings: Settings,
    *,
    base_port: int | None = None,
    instead: Mapping[str, Path] | None = None,
    service_pushes: bool = False,
    python: str = sys.executable,
    pulling: Pulling | None = None,
    say: Callable[[str], None] = lambda _line: None,
) -> Iterator[Up]:
    """With the emulators that the settings name, or with ones of its own; with the functions
    (`instead`, `python`, `service_pushes`: see ServedFunctions), or with workers that pull."""
    _check(pulling)
    own = [name for name, host in _hosts(settings).items() if not host]
    programs = find_emulators() if own else None
    home = prepare_home(settings.home)
    with ExitStack() as held:
        held.enter_context(lock_of(home))
        logs = _emptied(home / "logs")
        guard = held.enter_context(Guard())
        functions_ = 0 if pulling else len(functions.NAMES)
        ports = _ports(base_port, len(own) + functions_)
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
        crew: Crew = (
            PullingWorkers(settings, pulling, logs)
            if pulling
            else ServedFunctions(
                settings,
                list(ports),
                logs,
                guard,
                instead or {},
                python=python,
                service_pushes=service_pushes,
            )
        )
        held.callback(crew.end, _GRACE_SECONDS)
        say(f"starting {_listed([*own, *crew.names])}")
        for process in emulators:
            process.start()
        crew.start()
        for emulator in emulators:
            until_listening(hosts[emulator.name], emulator)
        crew.until_ready()
        up = Up(settings, _standing(settings, crew.urls, logs), emulators, crew)
        with crew.at_work(settings), announced(up.standing):
            yield up


def _check(pulling: Pulling | None) -> None:
    missing = libraries.missing_clients()
    if pulling is None:
        missing += libraries.missing_serving()
        functions.functions_folder()
    if missing:
        raise CannotBringUp(f"not installed: {', '.join(missing)}. {libraries.INSTALL}")


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
    if len(names) == 1:
        return names[0]
    return f"{', '.join(names[:-1])} and {names[-1]}"
