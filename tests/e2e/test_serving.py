"""`fanfold up --engine embedded`: the API and its workers, from the command line."""

from __future__ import annotations

import json
import signal
import socket
from typing import TYPE_CHECKING

import httpx

from fanfold.testing.working import until

if TYPE_CHECKING:
    from tests.e2e.conftest import Fanfold

PUPPET = "fanfold.testing.puppet"


def test_it_serves_and_works_until_it_is_told_to_stop(fanfold: Fanfold) -> None:
    up = fanfold.start(
        "up", "--engine", "embedded", "--processes", "1", "--json", FANFOLD_FLOWS=PUPPET
    )
    up.until(lambda: (fanfold.folder / ".out-0").read_text().endswith("\n"))
    told = json.loads((fanfold.folder / ".out-0").read_text())
    assert told["processes"] == 1
    with httpx.Client(base_url=told["api"], timeout=30) as client:
        body = {"flow": "puppet", "records": [{"n": n} for n in range(20)]}
        batch_id = client.post("/api/batches", json=body).json()["batch_id"]
        url = f"/api/batches/{batch_id}"
        until(lambda: client.get(url).json()["status"] == "completed")
        assert client.get(f"{url}/certificate").json()["holds"]
        page = client.get("/docs").text
        assert "http" not in page.replace("http://www.w3.org", ""), "nothing from elsewhere"
        assert fanfold.inside("status", batch_id, "--json").json["succeeded"] == 20
    up.interrupt(signal.SIGTERM)
    ended = up.end()
    assert ended.code == 0
    assert "whoever is on this machine may do everything" in ended.err
    assert "stopping" in ended.err


def test_a_port_that_is_taken_is_said(fanfold: Fanfold) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = fanfold.inside("up", "--engine", "embedded", "--port", port)
    assert refused.code == 2
    assert f"127.0.0.1:{port} cannot be listened at" in refused.err
    assert "--port" in refused.err


def test_what_is_for_the_other_engine_is_refused(fanfold: Fanfold) -> None:
    for options in (["--env"], ["--delivery", "pull"]):
        refused = fanfold.inside("up", "--engine", "embedded", *options)
        assert refused.code == 2
        assert "are for the google engine" in refused.err
