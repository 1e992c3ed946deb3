"""The application as a deployed function: opened at the first request, and kept.

    @functions_framework.aio.http
    async def api(_request):
        return await application()

An application is an answer like any other to the framework: it is called with what the request was.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from http import HTTPStatus
from threading import Lock

from fastapi import FastAPI
from starlette.types import ASGIApp

from fanfold import log
from fanfold.api.app import create_app
from fanfold.api.problems import problem
from fanfold.errors import SettingsInvalid
from fanfold.execution.library import Library
from fanfold.identity import authenticator
from fanfold.settings import Settings
from fanfold.wiring import GOOGLE, Fanfold, open_google


class Deployed:
    """What a process of the function keeps. It is never closed: see fanfold.serving."""

    def __init__(self) -> None:
        self._opening = Lock()
        self._app: FastAPI | None = None
        self._held = ExitStack()

    async def application(self) -> ASGIApp:
        """Where who asks cannot be told, for want of a setting, nothing is answered at all."""
        known = self._app
        try:
            return await asyncio.to_thread(self._open) if known is None else known
        except SettingsInvalid as error:
            log.error("api.settings", str(error))
            told = "the API is not set up here; its log says what is missing"
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, "not-set-up", told)

    def _open(self) -> FastAPI:
        with self._opening:  # two first requests at once
            if self._app is None:
                settings = Settings.from_env()
                ports = self._held.enter_context(open_google(settings))
                fanfold = Fanfold(settings, ports, GOOGLE, Library(settings.flow_places))
                self._app = create_app(fanfold, authenticator(settings))
            return self._app


application = Deployed().application
