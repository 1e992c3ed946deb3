"""What a deployed function is made of: its station, opened at the first request and kept.

    @functions_framework.http
    def fan_out(request):
        return serve(Station.FAN_OUT, request)

Runs are many, and each waits for a commit that it shares with others: they wait in an event loop.

    @functions_framework.aio.http
    async def run_flow(request):
        return await serve_run(request)

A function's process has one engine, whatever number of requests it serves at once. It is never
closed: the process ends without notice, and nothing here is the only copy of anything.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from fanfold.errors import IssuerSilent, SettingsInvalid, Unauthenticated, handling_of
from fanfold.execution.isolation import Isolation
from fanfold.execution.library import Library
from fanfold.jsonlog import log_json
from fanfold.log import logger
from fanfold.ports import Ports, Station
from fanfold.push.station import DeskStation, RunStation
from fanfold.settings import Settings
from fanfold.steps.sweep import Memory, sweep
from fanfold.wiring import GOOGLE, open_google

if TYPE_CHECKING:
    from fanfold.identity.pushers import Pushers

#: who vouches for what Pub/Sub pushes
GOOGLE_ISSUER = "https://accounts.google.com"


class Headers(Protocol):
    def get(self, name: str, /) -> str | None: ...


class Request(Protocol):
    """As much of a web framework's request as is needed."""

    @property
    def headers(self) -> Headers: ...

    @property
    def content_type(self) -> str | None: ...

    def get_data(self) -> bytes: ...


class AsyncRequest(Protocol):
    """The same of a framework that is asynchronous."""

    @property
    def headers(self) -> Mapping[str, str]: ...

    async def body(self) -> bytes: ...


class Serving:
    """Everything that a process of a function keeps from one request to the next."""

    def __init__(
        self,
        open_engine: Callable[[Settings], AbstractContextManager[Ports]] = open_google,
        push_issuer: str = GOOGLE_ISSUER,
    ) -> None:
        """Nothing is opened before the first request: a server forks after it has loaded this."""
        self._open_engine = open_engine
        self._push_issuer = push_issuer
        self._pushers: Pushers | None = None
        self._opening = Lock()
        self._engine: tuple[Settings, Ports] | None = None
        self._stations: dict[Station, DeskStation] = {}
        self._runs: RunStation | None = None
        self._memory = Memory()
        #: what nobody refers to is closed, and the engine's channels with it
        self._held = ExitStack()

    def serve(self, station: Station, request: Request) -> tuple[str, int]:
        """Body and status for the framework, of every station but runs."""
        with self._opening:  # two first requests at once
            opened = self._stations.get(station) or self._open(station)
        refused = self._refused(request.headers.get("authorization"))
        if refused is not None:
            return "", refused
        return "", opened.handle(request.content_type or "", request.get_data())

    async def serve_run(self, request: AsyncRequest) -> tuple[str, int]:
        """The same for runs."""
        runs = self._runs
        if runs is None:
            runs = await asyncio.to_thread(self._open_runs)
        if self._pushers is not None:  # it may wait for an issuer
            authorization = request.headers.get("authorization")
            refused = await asyncio.to_thread(self._refused, authorization)
            if refused is not None:
                return "", refused
        content_type = request.headers.get("content-type", "")
        return "", await runs.handle(content_type, await request.body())

    def sweep(self, request: Request) -> tuple[dict[str, int], int]:
        """One pass over the open batches; asked for by the same account that Pub/Sub pushes as."""
        with self._opening:
            _, ports = self._opened()
        refused = self._refused(request.headers.get("authorization"))
        if refused is not None:
            return {}, refused
        return asdict(sweep(ports, GOOGLE, self._memory)), 200

    def _refused(self, authorization: str | None) -> int | None:
        """The status for who may not push here. It tells them nothing; the log tells us."""
        if self._pushers is None:
            return None
        try:
            self._pushers.admit(authorization)
        except (Unauthenticated, IssuerSilent) as error:
            logger.warning("a push is refused", extra={"context": {"why": str(error)}})
            return handling_of(error).http_status
        return None

    def _opened(self) -> tuple[Settings, Ports]:
        if self._engine is None:
            settings = Settings.from_env()
            if settings.log == "json":
                log_json(settings.project)
            else:
                _log_to_stderr()
            if settings.push_account:
                self._pushers = _pushers(settings, self._push_issuer)
            self._engine = settings, self._held.enter_context(self._open_engine(settings))
        return self._engine

    def _open(self, station: Station) -> DeskStation:
        settings, ports = self._opened()
        opened = DeskStation(ports, GOOGLE, Library(settings.flow_places), station)
        self._stations[station] = opened
        return opened

    def _open_runs(self) -> RunStation:
        with self._opening:
            if self._runs is None:
                settings, ports = self._opened()
                places = settings.flow_places
                self._runs = RunStation(
                    ports, GOOGLE, Library(places), Isolation(places), threads=settings.threads
                )
            return self._runs


def _pushers(settings: Settings, issuer: str) -> Pushers:
    # what it stands on is installed, and loaded, only where it is asked for
    try:
        from fanfold.identity.pushers import Pushers
    except ModuleNotFoundError as missing:
        needed = f"FANFOLD_PUSH_ACCOUNT needs {missing.name}: pip install 'fanfold[api]'"
        raise SettingsInvalid(needed) from missing

    return Pushers(settings.push_account, settings.push_audience, issuer)


def _log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        logging.Formatter("%(levelname)s %(message)s %(context)s", defaults={"context": {}})
    )
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)


_deployed = Serving()
serve = _deployed.serve
serve_run = _deployed.serve_run
serve_sweep = _deployed.sweep
