"""Every command in README and docs is run, as it stands, by somebody who has read as far as that.

What a page's own test runs in its own way is left to that (`ELSEWHERE`). A block marked
`needs-cloud` is run by nobody. Of one marked `needs-emulators` the commands are only understood
here, flag by flag; tests/e2e runs their like.
"""

from __future__ import annotations

import gzip
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from fanfold import Context, Flow, flow
from fanfold.cli.main import program

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```sh([^\n]*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
#: pages and blocks with a test of their own: of test_results, test_sources, test_readme, test_api
ELSEWHERE = ("results.md", "sources.md")
OWN = ("make demo", "printf '%s", "curl -sf")
FLOWS = """
from fanfold import flow

@flow(retries=0)
def shout(record, ctx):
    return str(record).upper()

ask = flow(lambda record: record, id="ask")

@flow(retries=0)
def classify(record, ctx):
    ctx.spend(0.001)
    return "news"
"""
#: for what is done to a batch that runs
OPEN = "fanfold create flows.py:shout records.jsonl --concurrency 2"
#: for what is done to one that has ended
ENDED = "fanfold run flows.py:shout records.jsonl --quiet --processes 1"


def blocks() -> list[tuple[str, str, str]]:
    """Page, mark, text."""
    return [
        (page.name, mark.strip(), text)
        for page in PAGES
        for mark, text in BLOCK.findall(page.read_text())
    ]


def commands(mark: str) -> list[str]:
    return [
        line
        for page, its, text in blocks()
        if its == mark and page not in ELSEWHERE and not text.startswith(OWN)
        if "curl" not in text
        for line in text.replace("\\\n", " ").splitlines()
        if line.strip() and not line.startswith("#")
    ]


def filled(tmp_path: Path) -> Path:
    (tmp_path / "flows.py").write_text(FLOWS)
    records = "".join(f'{{"id": {n}, "text": "t", "n": {n}}}\n' for n in range(30))
    for name in ("records.jsonl", "articles.jsonl", "urgent.jsonl", "more.jsonl"):
        (tmp_path / name).write_text(records)
    (tmp_path / "tickets.jsonl").write_text('{"id": 1}\n{"id": 2, "urgency": 9}\n')
    (tmp_path / "answer.json").write_text('{"data": {"items": [{"id": 1}]}}')
    for name in ("data", "docs"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "one.jsonl").write_text(records)
    (tmp_path / "data.csv.gz").write_bytes(gzip.compress(b"id,text\n1,a\n"))
    return tmp_path


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By what has been done in it: a folder to be copied."""
    folders = {line: filled(tmp_path_factory.mktemp("begun")) for line in ("", OPEN, ENDED)}
    for line, folder in folders.items():
        if line:
            done = shell(folder, line)
            assert done.returncode == 0, done.stderr
    return folders


def shell(folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "FANFOLD_HOME": str(folder / "home")}
    return subprocess.run(
        ["bash", "-euc", line], cwd=folder, env=env, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("line", commands(""))
def test_it_runs_as_it_stands(begun: dict[str, Path], tmp_path: Path, line: str) -> None:
    is_live = re.match(r"fanfold (set|pause|resume|cancel) ", line)
    before = "" if "last" not in line else OPEN if is_live else ENDED
    folder = shutil.copytree(begun[before], tmp_path / "folder")
    if line.startswith("fanfold resume"):
        shell(folder, "fanfold pause last")
    done = shell(folder, line)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("line", commands("needs-emulators"))
def test_it_is_understood(line: str) -> None:
    words = shlex.split(line, comments=True)
    assert words[0] == "fanfold"
    root = program()
    with root.make_context("fanfold", []) as context:
        root.commands[words[1]].make_context(words[1], words[2:], parent=context)


def test_the_flow_that_spends_does() -> None:
    """Of docs/control.md, with a model of our own."""
    (text,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/control.md").read_text(), re.DOTALL)
    answer = SimpleNamespace(tokens=4_000_000, label="news")
    model = SimpleNamespace(ask=lambda _: answer)
    names = {"flow": flow, "Context": Context, "model": model}
    exec(compile(text, "docs/control.md", "exec"), names)  # noqa: S102  it is our own page
    context = Context(batch_id="batch-a", index=0)
    classify = names["classify"]
    assert isinstance(classify, Flow)
    assert classify.fn({"text": "t"}, context) == "news"
    assert context.spent == 1_000_000_000


def test_no_block_is_marked_otherwise_and_none_is_without_a_language() -> None:
    assert {mark for _, mark, _ in blocks()} <= {"", "needs-cloud", "needs-emulators"}
    for page in PAGES:
        for opening in re.findall(r"^```\n(\w+)", page.read_text(), re.MULTILINE):
            assert opening != "fanfold", page.name
