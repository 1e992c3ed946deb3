"""Runs the flow on one record per request; concurrent requests settle together."""

import functions_framework

from fanfold.ports import Station
from fanfold.serving import Request, serve


@functions_framework.http
def run_flow(request: Request) -> tuple[str, int]:
    return serve(Station.RUNS, request)
