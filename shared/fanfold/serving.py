"""What a deployed function is made of: its station, opened at the first request and kept.

    @functions_framework.http
    def run_flow(request):
        return serve(Station.RUNS, request)

A function's process has one engine, whatever number of requests it serves at once. It is never
closed: the process ends without notice, and nothing here is the only copy of anything.
"""

from __future__ import annotations

import logging
import sys
from contextlib import ExitStack
from functools import cache
from threading import Lock
from typing import Protocol

from fanfold.execution.isolation import Isolation
from fanfold.execution.library import Library
from fanfold.log import logger
from fanfold.ports import Ports, Station
from fanfold.push.station import DeskStation, PushStation, RunStation
from fanfold.settings import Settings
from fanfold.steps.sweep import Memory, Swept, sweep
from fanfold.wiring import GOOGLE, open_google

_opening = Lock()
_memory = Memory()
#: what nobody refers to is closed, and the engine's channels with it
_held = ExitStack()


class Request(Protocol):
    """As much of a web framework's request as is needed."""

    @property
    def content_type(self) -> str | None: ...

    def get_data(self) -> bytes: ...


def serve(station: Station, request: Request) -> tuple[str, int]:
    """Body and status for the framework."""
    with _opening:  # two first requests at once
        opened = _station(station)
    return "", opened.handle(request.content_type or "", request.get_data())


def serve_sweep() -> Swept:
    """One pass over the open batches."""
    with _opening:
        _, ports = _engine()
    return sweep(ports, GOOGLE, _memory)


@cache
def _engine() -> tuple[Settings, Ports]:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        logging.Formatter("%(levelname)s %(message)s %(context)s", defaults={"context": {}})
    )
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    settings = Settings.from_env()
    return settings, _held.enter_context(open_google(settings))


@cache
def _station(station: Station) -> PushStation:
    settings, ports = _engine()
    library = Library(settings.flow_places)
    if station is not Station.RUNS:
        return DeskStation(ports, GOOGLE, library, station)
    return RunStation(
        ports, GOOGLE, library, Isolation(settings.flow_places), threads=settings.threads
    )
