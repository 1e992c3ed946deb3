"""Ends what could not be delivered, as failed, with the reason."""

import functions_framework

from fanfold.ports import Station
from fanfold.serving import Request, serve


@functions_framework.http
def dead_letter(request: Request) -> tuple[str, int]:
    return serve(Station.DEAD_LETTERS, request)
