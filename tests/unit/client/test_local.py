"""A client of this machine's own engine, with nothing served by hand."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from fanfold.client import AsyncClient, Client
from fanfold.settings import Settings
from fanfold.testing.working import work
from fanfold.wiring import open_fanfold


def test_a_local_client_reaches_the_home_through_the_same_api(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FANFOLD_FLOWS", "fanfold.testing.puppet")
    with Client.local(str(tmp_path)) as client:
        run = client.run_flow("puppet", {"do": "ok"})
        settings = Settings.from_env().model_copy(update={"home": tmp_path})
        with open_fanfold(settings) as fanfold:
            work(fanfold.ports, library=fanfold.library)
        assert client.wait_for_run(run.run_id, timeout=60).output == "ok"


def test_so_does_one_that_is_awaited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FANFOLD_FLOWS", "fanfold.testing.puppet")

    async def asked() -> tuple[str, list[str]]:
        async with AsyncClient.local(str(tmp_path)) as client:
            run = await client.run_flow("puppet", {"do": "ok"})
            return run.run_id, [it.run_id for it in await client.list_all_runs()]

    run_id, listed = asyncio.run(asked())
    assert listed == [run_id]
