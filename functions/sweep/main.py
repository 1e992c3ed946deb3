"""The net under everything: called once a minute, picks up whatever was left lying."""

from dataclasses import asdict

import functions_framework

from fanfold.serving import Request, serve_sweep


@functions_framework.http
def sweep(_request: Request) -> tuple[dict[str, int], int]:
    return asdict(serve_sweep()), 200
