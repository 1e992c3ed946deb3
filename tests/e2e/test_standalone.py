"""The API by itself under uvicorn, as its own page says."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from fanfold.local.addresses import free_port
from fanfold.testing.working import until

SERVER = [sys.executable, "-m", "uvicorn", "fanfold.api.standalone:app"]


@contextmanager
def standing(home: Path, **settings: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    port = free_port()
    env = {**os.environ, "FANFOLD_HOME": str(home), "FANFOLD_FLOWS": "fanfold.testing.puppet"}
    with subprocess.Popen(
        [*SERVER, "--port", str(port)],
        env=env | settings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            yield server, f"http://127.0.0.1:{port}"
        finally:
            server.kill()


def test_it_serves_what_others_work_on_and_ends_in_good_order(tmp_path: Path) -> None:
    with standing(tmp_path, FANFOLD_AUTH="none") as (server, address):

        def answers() -> bool:
            assert server.poll() is None
            try:
                return httpx.get(f"{address}/api/flows").status_code == 200
            except httpx.ConnectError:
                return False

        until(answers)
        made = httpx.post(f"{address}/api/runs", json={"flow": "puppet", "input": {"do": "ok"}})
        worker = [sys.executable, "-m", "fanfold.cli.main", "worker", "--until-idle"]
        subprocess.run(
            [*worker, "--processes", "1"],
            env={**os.environ, "FANFOLD_HOME": str(tmp_path)},
            check=True,
            capture_output=True,
        )
        run = httpx.get(f"{address}/api/runs/{made.json()['run_id']}").json()
        assert (run["status"], run["output"]) == ("succeeded", "ok")
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) in (0, -signal.SIGTERM)


def test_an_engine_that_cannot_be_opened_ends_the_server_with_the_reason(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "absent.json")
    settings = {"FANFOLD_ENGINE": "google", "FANFOLD_PROJECT": "p", "FANFOLD_AUTH": "none"}
    with standing(tmp_path, GOOGLE_APPLICATION_CREDENTIALS=nowhere, **settings) as (server, _):
        _, told = server.communicate(timeout=60)
    assert server.returncode != 0
    assert "fanfold: DefaultCredentialsError" in told
    assert nowhere in told


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "FANFOLD_AUTH is not set: name the issuer of the tokens, or `none` on a desk"),
        ({"FANFOLD_AUTH": "https://issuer.example.com"}, "FANFOLD_AUDIENCE"),
    ],
)
def test_without_a_word_on_who_may_ask_it_does_not_start(
    tmp_path: Path, settings: dict[str, str], says: str
) -> None:
    with standing(tmp_path, **settings) as (server, _):
        _, told = server.communicate(timeout=60)
    assert server.returncode != 0
    assert says in told
    assert not (tmp_path / "fanfold.db").exists()
