"""Runs the flow on one record per request; concurrent requests settle together."""

import functions_framework.aio

from fanfold.serving import AsyncRequest, serve_run


@functions_framework.aio.http
async def run_flow(request: AsyncRequest) -> tuple[str, int]:
    return await serve_run(request)
