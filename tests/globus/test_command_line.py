"""`globus flows …`, as it is: every command that looks at flows and runs, starts and ends them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fanfold.domain.people import uuid_of
from fanfold.domain.registered import flow_id_of
from fanfold.testing.working import until
from tests.globus.conftest import Service
from tests.globus.test_sdk import REPORT, SAY, created
from tests.globus.token_service import CLIENT, SECRET, token_service


@dataclass(frozen=True, slots=True)
class CommandLine:
    environment: dict[str, str]

    def __call__(self, *words: str, code: int = 0) -> str:
        """What it prints."""
        done = subprocess.run(
            [Path(sys.executable).with_name("globus"), "flows", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stderr

    def json(self, *words: str) -> Any:
        return json.loads(self(*words, "--format", "json"))


@pytest.fixture
def globus(service: Service, tmp_path: Path) -> Iterator[CommandLine]:
    names = {uuid_of("ann"): "ann@example.com", uuid_of("olga"): "olga@example.com"}
    with token_service("ann", names) as address:
        yield CommandLine(
            {
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path),
                "GLOBUS_CLI_CLIENT_ID": CLIENT,
                "GLOBUS_CLI_CLIENT_SECRET": SECRET,
                "GLOBUS_SDK_SERVICE_URL_AUTH": address,
                "GLOBUS_SDK_SERVICE_URL_FLOWS": f"{service.address}/v1/",
            }
        )


def test_flows_are_listed_shown_and_deleted(service: Service, globus: CommandLine) -> None:
    mine = created(service.flows(), title="My report", keywords=["words"])
    lines = globus("list", "--orderby", "title:ASC").splitlines()
    assert lines[0].split("|")[1].strip() == "Title"
    titles = [line.split("|")[1].strip() for line in lines[2:]]
    assert titles == sorted(titles, key=str.casefold)
    assert {"My report", "Say it"} <= set(titles)
    assert "olga@example.com" in globus("list", "--filter-fulltext", "Say it")
    owned = globus.json("list", "--filter-role", "flow_owner")
    assert [it["id"] for it in owned["flows"]] == [mine["id"]]

    shown = dict(line.split(":", 1) for line in globus("show", mine["id"]).splitlines())
    assert {name: shown[name].strip() for name in ("Title", "Owner", "Keywords")} == {
        "Title": "My report",
        "Owner": "ann@example.com",
        "Keywords": "words",
    }
    assert "Deleted:" in globus("delete", mine["id"])
    assert "no such flow" in globus("show", mine["id"], code=1)


def test_flows_are_created_checked_and_changed(globus: CommandLine) -> None:
    definition = json.dumps(REPORT)
    assert "words:write" in globus("validate", definition)
    made = globus.json("create", "A report", definition, "--starter", "all_authenticated_users")
    assert made["flow_starters"] == ["all_authenticated_users"]
    assert globus.json("update", made["id"], "--title", "Another")["title"] == "Another"
    wrong = json.dumps({"StartAt": "a", "States": {"a": {"Type": "Pass"}}})
    assert "is the last" in globus("validate", wrong, code=1)


def test_a_run_is_started_looked_at_changed_and_deleted(
    service: Service, globus: CommandLine
) -> None:
    started = globus(
        "start", SAY, "--input", '{"echo_string": "hi"}', "--label", "Mine", "--tag", "t"
    )
    shown = {name: it.strip() for name, it in (line.split(":", 1) for line in started.splitlines())}
    run_id = shown["Run ID"]
    assert (shown["Flow Title"], shown["Run Label"], shown["Status"]) == (
        "Say it",
        "Mine",
        "ACTIVE",
    )
    assert (shown["Run Owner"], shown["Run Tags"]) == ("ann@example.com", "t")
    service.work()

    (listed,) = globus("run", "list").splitlines()[2:]
    assert [it.strip() for it in listed.split("|")] == [run_id, "Say it", "Mine", "SUCCEEDED"]
    filtered = ("--filter-flow-id", flow_id_of("number"), "--filter-role", "run_owner")
    assert globus.json("run", "list", *filtered)["runs"] == []
    whole = globus("run", "show", run_id, "--include-flow-description")
    assert "Says what it is told." in whole
    assert "SUCCEEDED" in whole
    logs = globus("run", "show-logs", run_id)
    assert all(it in logs for it in ("FlowStarting", "FlowStarted", "FlowSucceeded"))
    details = globus("run", "show-logs", run_id, "--details", "--reverse", "--limit", "1")
    assert "FlowSucceeded" in details
    assert '"said": "hi"' in details
    definition = globus.json("run", "show-definition", run_id)
    assert definition["definition"]["StartAt"] == "say"
    changed = globus.json("run", "update", run_id, "--label", "Yours", "--tags", "a,b")
    assert (changed["label"], changed["tags"]) == ("Yours", ["a", "b"])
    globus("run", "delete", run_id)
    assert globus.json("run", "list")["runs"] == []


def test_a_run_is_canceled_and_one_that_is_paused_is_resumed(
    service: Service, globus: CommandLine
) -> None:
    run_id = globus.json("start", SAY, "--input", '{"echo_string": "a"}')["run_id"]
    with service.client() as client:
        client.pause_batch(client.get_run(run_id).batch_id)
    assert globus.json("run", "show", run_id)["status"] == "INACTIVE"
    assert globus.json("run", "resume", run_id)["status"] == "ACTIVE"
    assert globus.json("run", "cancel", run_id)["details"]["code"] == "FlowCanceling"
    service.work()
    assert "CANCELED" in globus("run", "show", run_id)
    assert "it cannot go on" in globus("run", "resume", run_id, code=1)
    refused = globus("start", SAY, "--input", '{"echo_string": 3}', code=1)
    assert "echo_string: Input should be a valid string" in refused


def test_a_question_is_listed_shown_and_answered(service: Service, globus: CommandLine) -> None:
    run_id = globus.json("start", flow_id_of("approve"), "--input", "{}")["run_id"]
    with service.working():
        until(lambda: service.flows().get_run(run_id)["status"] == "INACTIVE")
        (listed,) = globus.json("web-input", "list")["web_input_summaries"]
        assert "Approve?" in globus("web-input", "show", listed["id"])
        yes, _ = globus.json("web-input", "show", listed["id"])["options"]
        globus("web-input", "respond", listed["id"], yes["option_id"])
        assert globus.json("web-input", "show", listed["id"])["status"] == "closed"
