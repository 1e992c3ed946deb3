"""docs/api.md lists the calls that there are, and README's session is run as it stands."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from fanfold.api.app import create_app
from fanfold.identity import authenticator
from fanfold.local.addresses import free_port
from fanfold.settings import NOBODY_IS_ASKED, Settings
from fanfold.wiring import open_fanfold

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "api.md").read_text()
README = (ROOT / "README.md").read_text()


def test_every_call_is_on_the_page(tmp_path: Path) -> None:
    given = {"engine": "embedded", "home": tmp_path, "auth": NOBODY_IS_ASKED}
    settings = Settings.from_env().model_copy(update=given)
    with open_fanfold(settings) as fanfold:
        document = create_app(fanfold, authenticator(settings)).openapi()
    there = {f"{verb.upper()} {path}" for path, its in document["paths"].items() for verb in its}
    assert set(re.findall(r"^\| `([A-Z]+ /\S+)` \|", PAGE, re.MULTILINE)) == there


def test_the_readme_s_session_gives_what_it_says(tmp_path: Path) -> None:
    blocks = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
    (flows,) = [text for name, text in blocks if name == "python" and "# flows.py" in text]
    (session,) = [text for name, text in blocks if name == "sh" and "curl" in text]
    (tmp_path / "flows.py").write_text(flows)
    port = free_port()
    commands = session.replace("8080", str(port)).replace(
        "fanfold up", f"{sys.executable} -m fanfold.cli.main up"
    )
    done = subprocess.run(
        ["bash", "-euc", commands], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    *results, certificate = done.stdout.splitlines()[-3:]
    assert [json.loads(it)["output"] for it in results] == ["HELLO", "WORLD"]
    assert json.loads(certificate)["holds"] is True
