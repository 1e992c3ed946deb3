"""Reads a batch's source into pages, and publishes one message per record."""

import functions_framework

from fanfold.ports import Station
from fanfold.serving import Request, serve


@functions_framework.http
def fan_out(request: Request) -> tuple[str, int]:
    return serve(Station.FAN_OUT, request)
