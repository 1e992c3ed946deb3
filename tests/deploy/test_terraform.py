"""The Terraform in infra/ and the code say the same: nothing is missing on either side.

Nothing here was tried against the cloud: what can be held against the code is, and the rest is read
by a parser, by `terraform fmt` and by checkov (`make audit`).
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import hcl2
import pytest

from fanfold.deploy.declared import as_text, declared
from fanfold.engines.google.resources import SUBSCRIPTIONS
from fanfold.local.functions import NAMES, sources
from fanfold.settings import Settings

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
FILES = sorted(INFRA.glob("*.tf"))
#: settings that a deployment has no use for, and why
NOT_DEPLOYED = {
    "delivery": "how `fanfold up` brings it up; there Terraform's own variable says it",
    "meter": "for measurements on a desk",
    "push_audience": "a function's address is the audience, and Cloud Run itself checks that",
    "firestore_emulator_host": "the cloud",
    "pubsub_emulator_host": "the cloud",
    "storage_emulator_host": "the cloud",
}


def parsed(path: Path) -> dict[str, Any]:
    with path.open() as file:
        found: dict[str, Any] = hcl2.load(file)
    return found


def text() -> str:
    return "\n".join(path.read_text() for path in FILES)


def local(name: str) -> dict[str, Any]:
    for path in FILES:
        for block in parsed(path).get("locals", []):
            if name in block:
                found: dict[str, Any] = block[name]
                return found
    raise AssertionError(f"there is no local.{name}")


def resources(kind: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path in FILES:
        for block in parsed(path).get("resource", []):
            for its, named in block.items():
                if its.strip('"') == kind:
                    found |= {name.strip('"'): body for name, body in named.items()}
    return found


@pytest.mark.parametrize("path", [*FILES, *INFRA.glob("examples/*")], ids=lambda it: it.name)
def test_every_file_is_well_formed(path: Path) -> None:
    assert parsed(path)


def test_it_is_in_terraform_s_own_format() -> None:
    terraform = shutil.which("terraform")
    if terraform is None:
        pytest.skip("no terraform here")
    done = subprocess.run(
        [terraform, "fmt", "-check", "-recursive", str(INFRA)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_what_the_code_needs_of_the_cloud_is_what_terraform_reads() -> None:
    told = "python -m fanfold.deploy.declared > infra/declared.json makes it anew"
    assert (INFRA / "declared.json").read_text() == as_text(), told


@pytest.mark.parametrize("part", sorted(declared()))
def test_each_part_of_that_is_used(part: str) -> None:
    assert f"local.declared.{part}" in text()


def test_all_topics_subscriptions_and_indexes_are_made_of_it() -> None:
    made = {
        ("google_pubsub_topic", "this"): "local.declared.topics",
        ("google_pubsub_subscription", "this"): "local.declared.subscriptions",
        ("google_firestore_index", "this"): "local.declared.indexes",
        ("google_firestore_field", "unindexed"): "local.declared.unindexed",
        ("google_firestore_field", "expires"): "local.declared.expiring",
    }
    for (kind, name), of in made.items():
        assert of in resources(kind)[name]["for_each"], (kind, name)
    # and nothing beside
    for kind in {kind for kind, _ in made}:
        assert set(resources(kind)) == {name for its, name in made if its == kind}


def test_each_function_is_deployed_and_entered_by_its_name() -> None:
    functions = local("functions")
    assert set(functions) == set(NAMES)
    (made,) = resources("google_cloudfunctions2_function").values()
    assert made["for_each"] == "${local.functions}"
    (build,) = made["build_config"]
    assert build["entry_point"] == "${each.key}"
    for name, path in sources().items():
        assert re.search(rf"^(async )?def {name}\(", path.read_text(), re.MULTILINE), name


def test_a_function_may_take_as_long_as_its_messages_are_leased() -> None:
    """Else it is cut off in the midst of what Pub/Sub still waits for."""
    functions = local("functions")
    for it in SUBSCRIPTIONS:
        name = declared()["subscriptions"][f"fanfold-{it.station}"]["function"]
        assert int(functions[name]["timeout"]) >= it.ack_deadline


def test_the_environment_is_one_that_the_code_reads() -> None:
    known = {f"FANFOLD_{name.upper()}" for name in Settings.model_fields}
    given = set(local("environment")) | set(local("api_environment"))
    assert given <= known
    missing = {f"FANFOLD_{name.upper()}" for name in NOT_DEPLOYED}
    assert known - given == missing


def test_its_values_are_ones_that_the_code_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (local("environment") | local("api_environment")).items():
        monkeypatch.setenv(name, _as_terraform_would(str(value)))
    settings = Settings.from_env()
    assert (settings.engine, settings.log) == ("google", "json")
    assert settings.issuers == ("https://accounts.google.com",)


def _as_terraform_would(value: str) -> str:
    plain = value.strip('"')
    for name, instead in {
        "var.project": "my-project",
        "var.prefix": "team-",
        "var.flows": "fanfold.flows.echo",
        "var.slots": "64",
        "var.threads": "32",
        "var.auth": "https://accounts.google.com",
        "var.admins": "",
        "var.groups_claim": "groups",
        "local.database": "team-fanfold",
        "google_storage_bucket.blobs.name": "my-project-team-fanfold",
        "google_service_account.pusher.email": "team-ff-pusher@my-project.iam.gserviceaccount.com",
    }.items():
        plain = plain.replace(f"${{tostring({name})}}", instead).replace(f"${{{name}}}", instead)
    return "https://api.example.com" if plain.startswith("${var.audience") else plain


def test_push_is_signed_and_goes_to_the_function_of_its_station() -> None:
    source = (INFRA / "subscriptions.tf").read_text()
    address = "google_cloudfunctions2_function.this[each.value.function].service_config[0].uri"
    assert f"push_endpoint = {address}" in source
    assert re.search(rf"audience +=\s*{re.escape(address)}", source)
    assert "service_account_email = google_service_account.pusher.email" in source
    assert 'ttl = ""' in source


def test_no_function_but_the_api_is_reached_from_outside_and_that_only_by_whom_one_names() -> None:
    invoked = resources("google_cloud_run_v2_service_iam_member")
    assert invoked["pushed"]["member"] == "${google_service_account.pusher.member}"
    public = {name for name, it in invoked.items() if "allUsers" in str(it)}
    assert public == {"everybody"}
    assert invoked["everybody"]["count"] == "${var.api_is_public ? 1 : 0}"
    variables = {
        name.strip('"'): body
        for block in parsed(INFRA / "variables.tf")["variable"]
        for name, body in block.items()
    }
    assert variables["api_is_public"]["default"] is False
    assert variables["api_callers"]["default"] == []
    assert all(it.get("description") for it in variables.values())
    needed = {name for name, it in variables.items() if "default" not in it}
    assert needed == {"project"}, "for one person and one project the rest goes without saying"


def test_each_alert_is_in_the_runbook_and_each_page_of_it_has_an_alert() -> None:
    page = (ROOT / "docs" / "runbook.md").read_text()
    named = set(re.findall(r"docs/runbook\.md#([a-z-]+)", text()))
    headings = {
        "-".join(re.sub(r"[^a-z ]", "", it.lower()).split())
        for it in re.findall(r"^## Alert: (.+)$", page, re.MULTILINE)
    }
    assert named == {it.removeprefix("alert-") for it in headings}
    logged = re.findall(r'jsonPayload\.action=\\"([a-z.]+)\\"', text())
    assert logged == ["batch.stuck"]
    assert '"batch.stuck"' in (ROOT / "shared/fanfold/steps/sweep.py").read_text()


def test_what_is_deployed_can_be_looked_at_from_a_desk() -> None:
    (environment,) = [
        body
        for block in parsed(INFRA / "outputs.tf")["output"]
        for name, body in block.items()
        if name.strip('"') == "environment"
    ]
    given = {name.strip('"') for name in environment["value"]}
    assert given <= {f"FANFOLD_{name.upper()}" for name in Settings.model_fields}


def test_checkov_finds_nothing() -> None:
    """A tool of its own, in an environment of its own: `make audit` installs it."""
    program = ROOT / "build" / "checkov" / "bin" / "checkov"
    if not program.exists():
        pytest.skip("`make audit` has not been run here")
    done = subprocess.run(
        [program, "-d", INFRA, "--framework", "terraform", "--compact", "--quiet",
         "--skip-download", "-o", "json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert [it["check_id"] for it in found["results"]["failed_checks"]] == []
    assert found["summary"]["passed"] > 0
