"""Functions that do nothing, served in both ways of ours: what is left is serving and pushing."""

import functions_framework
import functions_framework.aio

from fanfold.serving import AsyncRequest, Request


@functions_framework.http
def empty(request: Request) -> tuple[str, int]:
    """In a thread for each request."""
    request.get_data()
    return "", 204


@functions_framework.aio.http
async def empty_in_loop(request: AsyncRequest) -> tuple[str, int]:
    """In an event loop, as `run_flow`."""
    await request.body()
    return "", 204
