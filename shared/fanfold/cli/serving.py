"""The embedded engine served on this machine: the API, and worker processes beside it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from fanfold.cli import exits
from fanfold.cli.interrupts import Interrupts
from fanfold.cli.numbers import count
from fanfold.cli.workers import WorkersDied, worker_command
from fanfold.wiring import open_fanfold
from fanfold.worker.supervisor import Supervisor

if TYPE_CHECKING:
    from fanfold.cli.terminal import Terminal
    from fanfold.settings import Settings

_LOOK_SECONDS = 0.1


def serve_embedded(
    terminal: Terminal, settings: Settings, port: int | None, processes: int, *, as_json: bool
) -> int:
    from fanfold.api.app import create_app
    from fanfold.api.server import LOOPBACK, served
    from fanfold.identity import authenticator

    # who asks is not to wait for what is being worked on
    supervisor = Supervisor(
        worker_command(settings.threads), processes, env=settings.environment(), behind=True
    )
    with (
        Interrupts() as interrupts,
        open_fanfold(settings) as fanfold,
        served(create_app(fanfold, authenticator(settings)), LOOPBACK, port or 0) as address,
    ):
        supervisor.start()
        try:
            _tell(terminal, settings, address, processes, as_json=as_json)
            while not interrupts.count and supervisor.tend():
                time.sleep(_LOOK_SECONDS)
            if supervisor.gave_up:
                raise WorkersDied
        finally:
            terminal.say("fanfold: stopping; what runs may finish")
            supervisor.drain()
            while not supervisor.wait(_LOOK_SECONDS):
                if interrupts.count > 1:
                    supervisor.kill()
    return exits.OK


def _tell(
    terminal: Terminal, settings: Settings, address: str, processes: int, *, as_json: bool
) -> None:
    home = settings.home.expanduser().absolute()
    workers = count(processes, "worker process", "worker processes")
    terminal.say(f"fanfold: {home} is served at {address}, with {workers} beside it")
    terminal.say(f"fanfold: {address}/docs tells what can be asked; Ctrl-C ends in good order")
    if settings.nobody_is_asked:
        terminal.say("fanfold: whoever is on this machine may do everything there")
    if as_json:
        terminal.json({"api": address, "home": str(home), "processes": processes})
