"""The page of all calls, as a real browser draws it, with nothing but this machine to ask."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from fanfold.api.app import create_app
from fanfold.api.server import served
from fanfold.identity import authenticator
from fanfold.settings import NOBODY_IS_ASKED, Settings
from fanfold.wiring import open_fanfold

#: no name but this machine's leads anywhere
NOWHERE = "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def browser() -> str:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium here: apt install chromium")
    return found


def test_a_browser_draws_every_call_without_the_network(tmp_path: Path) -> None:
    program = browser()
    given = {"engine": "embedded", "home": tmp_path / "home", "auth": NOBODY_IS_ASKED}
    settings = Settings.from_env().model_copy(update=given)
    with (
        open_fanfold(settings) as fanfold,
        served(create_app(fanfold, authenticator(settings))) as address,
    ):
        paths = create_app(fanfold, authenticator(settings)).openapi()["paths"]
        drawn = subprocess.run(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=15000",
             f"--user-data-dir={tmp_path / 'profile'}", "--host-resolver-rules=" + NOWHERE,
             "--dump-dom", f"{address}/docs"],
            capture_output=True, text=True, timeout=120, check=True,
        ).stdout  # fmt: skip
    assert "Unable to render" not in drawn
    for path in paths:
        assert f'data-path="{path}"' in drawn or path in drawn.replace("&#8203;", ""), path
    assert 'id="swagger-ui"' in drawn
    assert "opblock" in drawn
