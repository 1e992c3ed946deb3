"""The HTTP API. For now: whether it is there."""

import functions_framework

from fanfold.serving import Request


@functions_framework.http
def api(_request: Request) -> tuple[dict[str, str], int]:
    return {"status": "ok"}, 200
