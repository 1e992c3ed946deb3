"""The HTTP API: batches, started, looked at and held."""

from typing import Any

import functions_framework.aio

from fanfold.api.function import application


@functions_framework.aio.http
async def api(_request: Any) -> Any:
    return await application()
