"""docs/client.md: its examples run as they stand, and every call is on the page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from fanfold.api.app import create_app
from fanfold.api.server import served
from fanfold.client.operations import Operations
from fanfold.execution.library import Library
from fanfold.identity import authenticator
from fanfold.settings import NOBODY_IS_ASKED, Settings
from fanfold.testing.working import working
from fanfold.wiring import open_fanfold

PAGE = (Path(__file__).parents[2] / "docs" / "client.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
FLOWS = "from fanfold import flow\n@flow\ndef shout(record):\n    return record['text'].upper()\n"


@pytest.mark.parametrize(
    ("example", "printed"),
    [
        ("create_batch", ["100%", "a succeeded HELLO", "b succeeded WORLD"]),
        ("after=[", ["completed"]),
        ("run_flow(", ["ONE", "succeeded", "created"]),
        ("AsyncClient", ["['A', 'B', 'C']"]),
    ],
)
def test_its_examples_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], example: str, printed: list[str]
) -> None:
    (tmp_path / "flows.py").write_text(FLOWS)
    text = next(it for it in EXAMPLES if example in it)
    given = {"home": tmp_path, "auth": NOBODY_IS_ASKED, "flows": str(tmp_path / "flows.py")}
    settings = Settings.from_env().model_copy(update=given)
    names: dict[str, Any] = {"token": None}
    with (
        open_fanfold(settings) as fanfold,
        served(create_app(fanfold, authenticator(settings))) as names["address"],
        working(fanfold.ports, library=Library(settings.flow_places)),
    ):
        exec(compile(text, "docs/client.md", "exec"), names)  # noqa: S102  it is our own page
    out = capsys.readouterr().out
    assert all(it in out for it in printed), out


def test_every_call_is_on_the_page() -> None:
    calls = {it for it in dir(Operations) if not it.startswith("_")}
    listed = set(re.findall(r"`([a-z_]+)`", PAGE.split("## Each of its calls")[1].split("## ")[0]))
    assert listed == calls - {"patience", "get", "started"}
