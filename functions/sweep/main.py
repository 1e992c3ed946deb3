"""The net under everything: called once a minute, picks up whatever was left lying."""

import functions_framework

from fanfold.serving import Request, serve_sweep


@functions_framework.http
def sweep(request: Request) -> tuple[dict[str, int], int]:
    return serve_sweep(request)
