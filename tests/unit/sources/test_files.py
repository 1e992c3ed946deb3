from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from fanfold.errors import SourceInvalid
from fanfold.sources.files import files_of


@pytest.fixture
def tree(here: Path) -> Path:
    for name in ("data/b.csv", "data/a.csv", "data/sub/c.csv", "data/sub/d.txt", "data/.e.csv",
                 "data/.git/f.csv", "x[1].csv"):  # fmt: skip
        path = here / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("id\n1\n")
    return here


def names(text: str, **more: Any) -> list[str]:
    return [file.name for file in files_of(text, **more)]


def refusal(text: str, **more: Any) -> str:
    with pytest.raises(SourceInvalid) as refused:
        files_of(text, **more)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("data/a.csv", ["data/a.csv"]),
        ("./data/a.csv", ["./data/a.csv"]),
        ("data/*.csv", ["data/a.csv", "data/b.csv"]),
        ("data/**/*.csv", ["data/a.csv", "data/b.csv", "data/sub/c.csv"]),
        ("data/[ab].csv", ["data/a.csv", "data/b.csv"]),
        ("data/", ["data/a.csv", "data/b.csv", "data/sub/c.csv", "data/sub/d.txt"]),
        ("data/*", ["data/a.csv", "data/b.csv"]),
        ("x[1].csv", ["x[1].csv"]),
    ],
)
def test_a_text_names_one_file_those_that_match_or_a_folder(text: str, found: list[str]) -> None:
    assert names(text) == found


def test_an_absolute_pattern_and_a_file_s_address_are_read_as_well(tree: Path) -> None:
    assert names(f"{tree}/data/*.csv") == [f"{tree}/data/a.csv", f"{tree}/data/b.csv"]
    assert names(f"file://{tree}/data/x%5B1%5D.csv".replace("data/x", "x")) == [f"{tree}/x[1].csv"]
    assert names(f"file://{tree}/data/sub/") == [f"{tree}/data/sub/c.csv", f"{tree}/data/sub/d.txt"]


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("missing.csv", "missing.csv: no such file. Name a file, or `-`."),
        ("", "'': no such file"),
        ("data", "data: is a folder. Write data/ for all files in it."),
        ("data/*.json", "data/*.json: no file matches."),
        ("data/.git/", "ok"),
        ("file://data/a.csv", "file://data/a.csv: a file's address has three slashes"),
    ],
)
def test_what_names_no_file_is_refused(text: str, problem: str) -> None:
    if problem == "ok":  # a hidden folder that is named is read
        assert names(text) == ["data/.git/f.csv"]
    else:
        assert refusal(text).startswith(problem)


def test_an_empty_folder_is_refused(here: Path) -> None:
    (here / "empty").mkdir()
    assert refusal("empty/") == "empty/: the folder has no files."


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("text", ["data/a.csv", "data/*.csv", "data/"])
def test_a_file_that_may_not_be_read_is_refused(tree: Path, text: str) -> None:
    (tree / "data/a.csv").chmod(0)
    assert refusal(text) == "data/a.csv: no permission to read it."


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize(
    "text",
    [
        "data/a.csv",
        "data/",
        "-",
        "file:///etc/passwd",
        "http://localhost/a.csv",
        "https://a.example/a.csv",
        "local://a.csv",
        "simplecache::gs://bucket/a.csv",
        "memory://a::file:///etc/passwd",
        "batch:last",
    ],
)
def test_from_outside_only_a_bucket_s_files_may_be_named(text: str) -> None:
    assert refusal(text, outside=True) == (
        f"{text}: a request may only name a bucket's files (gs://, s3://)."
    )


def test_from_outside_a_bucket_s_files_are_found(memory: Any) -> None:
    memory.pipe({"/b/a.csv": b"1", "/b/c.csv": b"1"})
    assert names("memory://b/*.csv", outside=True) == ["memory://b/a.csv", "memory://b/c.csv"]
