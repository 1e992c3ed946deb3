"""An application beside another one: made by the first request that is for it."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from fanfold.api.beside import Beside


async def _says(send: Any, text: bytes) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": text})


async def mine(scope: Any, _receive: Any, send: Any) -> None:
    await _says(send, b"mine " + scope["path"].encode())


async def other(scope: Any, _receive: Any, send: Any) -> None:
    await _says(send, b"other " + scope["root_path"].encode())


def test_it_is_made_once_and_only_if_somebody_asks_for_it() -> None:
    made: list[Any] = []

    def make() -> Any:
        made.append(other)
        return other

    transport = httpx.ASGITransport(app=Beside(mine, "/v1", make))

    async def asked(*paths: str) -> list[str]:
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return [it.text for it in await asyncio.gather(*(client.get(it) for it in paths))]

    assert asyncio.run(asked("/api", "/v12")) == ["mine /api", "mine /v12"]
    assert made == []
    assert asyncio.run(asked("/v1", "/v1/runs", "/v1/")) == ["other /v1"] * 3
    assert made == [other]
