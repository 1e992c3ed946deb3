"""Flows are found by reading: Tab runs nobody's code."""

from __future__ import annotations

from pathlib import Path

import pytest

from fanfold.cli.completion import complete_flow
from fanfold.cli.offers import flows_in, flows_in_sight

TWO = """
import fanfold
from fanfold import flow
raise SystemExit("this is imported")

@flow
def shout(record):
    \"\"\"Louder.

    Much.\"\"\"

@fanfold.flow(id="whisper", retries=3)
async def quiet(record): ...

@other
def no_flow(record): ...
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FANFOLD_FLOWS", raising=False)
    return tmp_path


def test_a_file_is_read_and_not_run(folder: Path) -> None:
    path = folder / "flows.py"
    path.write_text(TWO)

    assert flows_in(path) == [("shout", "shout", "Louder."), ("quiet", "whisper", "")]


def test_graphs_are_found_as_well(folder: Path) -> None:
    path = folder / "graphs.py"
    path.write_text(
        "import fanfold\nfrom fanfold import Flow\n"
        "total = (\n    Flow('total', title='Adds')\n    .node('a', sum)\n    .node('b', len)\n)\n"
        "other = fanfold.Flow(id='more').node('a', sum)\n"
        "no = Flow.from_blueprint({})\nnone = len(name).node('a')\nnameless = Flow(name)\n"
    )

    assert flows_in(path) == [("total", "total", "Adds"), ("other", "more", "")]


def test_those_of_this_folder_are_offered_by_their_file(folder: Path) -> None:
    (folder / "flows.py").write_text(TWO)
    (folder / "one.py").write_text("@flow()\ndef f(record): ...\n")
    (folder / "none.py").write_text("flow = 1\n")

    names = [name for name, _ in complete_flow("")]

    assert {"flows.py:shout", "flows.py:quiet", "one.py"} <= set(names)
    assert "none.py" not in names
    assert [name for name, _ in complete_flow("flows.py:s")] == ["flows.py:shout"]


def test_those_that_are_registered_are_offered_by_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "package").mkdir()
    (folder / "package" / "__init__.py").write_text("raise SystemExit('imported')")
    (folder / "package" / "module.py").write_text("@flow(id='inner')\ndef f(record): ...\n")
    (folder / "flows.py").write_text(TWO)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("FANFOLD_FLOWS", "flows.py:package.module:absent.py:no.such.module")

    assert {"shout", "whisper", "inner", "echo"} <= {name for name, _ in flows_in_sight()}


@pytest.mark.parametrize("text", ["def broken(:", "@flow\ndef f(r): ...\0", "\xff flow"])
def test_what_cannot_be_read_offers_nothing(folder: Path, text: str) -> None:
    (folder / "flows.py").write_bytes(text.encode("latin-1"))

    assert flows_in(folder / "flows.py") == []
    assert flows_in(folder / "absent.py") == []
    assert all(not name.startswith("flows.py") for name, _ in complete_flow(""))
