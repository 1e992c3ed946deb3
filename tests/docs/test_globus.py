"""docs/globus.md: its examples run as they stand, and every call is on the page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from fanfold.api.app import create_app
from fanfold.api.globus.app import create_globus_app
from fanfold.api.server import served
from fanfold.client import Client
from fanfold.domain.registered import flow_id_of
from fanfold.identity import authenticator
from fanfold.settings import NOBODY_IS_ASKED, Settings
from fanfold.testing.working import working
from fanfold.wiring import open_fanfold

PAGE = (Path(__file__).parents[2] / "docs" / "globus.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
FLOWS = """
from fanfold import action, flow

@flow
def shout(record):
    return record["text"].upper()

@action(provider="words")
def split(text):
    return text.split()

@action(provider="words")
def loud(text):
    return text.upper()
"""


@pytest.mark.parametrize(
    ("example", "printed"),
    [
        ("SpecificFlowClient", ["ACTIVE"]),
        ("create_flow", ["loud-words-", "split"]),
        ("for it in texts", ["0 ", "1 ", "2 "]),
        ("time.sleep", ["SUCCEEDED {'value': 'A'}"]),
        ("timedelta", ["CANCELING"]),
        ("batch_get_flows", ["shout ['shout']"]),
    ],
)
def test_its_examples_run(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    example: str,
    printed: list[str],
) -> None:
    (tmp_path / "flows.py").write_text(FLOWS)
    text = next(it for it in EXAMPLES if example in it)
    given = {"home": tmp_path, "auth": NOBODY_IS_ASKED, "flows": str(tmp_path / "flows.py")}
    settings = Settings.from_env().model_copy(update=given)
    shout = flow_id_of("shout")
    names: dict[str, Any] = {"token": "any", "flow_id": shout, "age": 0}
    with (
        open_fanfold(settings) as fanfold,
        served(create_app(fanfold, authenticator(settings))) as address,
    ):
        names["address"] = address
        monkeypatch.setenv("GLOBUS_SDK_SERVICE_URL_FLOWS", f"{address}/v1/")
        with Client(address) as client:
            client.run_flow("shout", {"text": "one"})
        if "while left" in text:
            with working(fanfold.ports, library=fanfold.library):
                exec(compile(text, "docs/globus.md", "exec"), names)  # noqa: S102  our own page
        else:
            exec(compile(text, "docs/globus.md", "exec"), names)  # noqa: S102  our own page
    out = capsys.readouterr().out
    assert all(it in out for it in printed), out


def test_every_call_is_on_the_page(tmp_path: Path) -> None:
    settings = Settings.from_env().model_copy(update={"home": tmp_path, "auth": NOBODY_IS_ASKED})
    with open_fanfold(settings) as fanfold:
        app = create_app(fanfold, authenticator(settings))
        paths = create_globus_app(app.state.desk).openapi()["paths"]
    table = PAGE.split("## What there is")[1].split("\n\n")[1].replace("…", "")
    for path in paths:
        last = path.rpartition("/")[2]
        assert f"/v1{path}`" in table or f"/{last}`" in table, path
