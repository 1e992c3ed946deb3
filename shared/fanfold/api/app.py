"""The application, of an opened engine."""

from __future__ import annotations

from functools import partial
from importlib.metadata import version

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from fanfold.api import actions, batches, events, flows, jobs, questions, runs, upload
from fanfold.api.asking import Desk
from fanfold.api.beside import Beside
from fanfold.api.described import describe_parameters
from fanfold.api.limits import BodyLimit
from fanfold.api.loopback import LoopbackOnly
from fanfold.api.problems import tell_problems
from fanfold.api.tracing import Traced
from fanfold.identity import Authenticator, is_for_loopback_only
from fanfold.wiring import Fanfold


def create_app(fanfold: Fanfold, authenticator: Authenticator) -> FastAPI:
    """Whoever opened the engine closes it."""
    app = FastAPIOffline(
        redoc_url=None,
        title="Fanfold",
        summary="Run a function on a hundred thousand inputs, each exactly once in effect.",
        version=version("fanfold"),
    )
    app.state.desk = Desk(fanfold, authenticator)
    tell_problems(app)
    for part in (batches, upload, events, jobs, runs, questions, flows, actions):
        app.include_router(part.router)
    describe_parameters(app)
    app.add_middleware(Beside, prefix="/v1", make=partial(_dialect, app.state.desk))
    app.add_middleware(BodyLimit)
    app.add_middleware(Traced)
    if is_for_loopback_only(fanfold.settings):
        app.add_middleware(LoopbackOnly)
    return app


def _dialect(desk: Desk) -> FastAPI:
    from fanfold.api.globus.app import create_globus_app

    return create_globus_app(desk)
