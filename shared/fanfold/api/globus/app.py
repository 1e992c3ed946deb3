"""The application of this dialect, to be mounted beside the other."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from fanfold.api.asking import Desk
from fanfold.api.globus import action_providers, bulk, flows, runs, web_inputs
from fanfold.api.globus.errors import ANSWERS, tell_errors


def create_globus_app(desk: Desk) -> FastAPI:
    app = FastAPIOffline(
        redoc_url=None,
        title="Fanfold, in the Globus Flows dialect",
        summary="For clients of Globus Flows: flows, runs, web inputs, and calls in bulk.",
        version=version("fanfold"),
    )
    app.state.desk = desk
    tell_errors(app)
    # what has a fixed address stands before what has an id in its place
    for part in (bulk, flows, runs, web_inputs, action_providers):
        app.include_router(part.router, responses=ANSWERS)
    return app
