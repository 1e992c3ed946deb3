from __future__ import annotations

import os
import threading
from io import BytesIO
from pathlib import Path

import pytest

from fanfold.errors import SourceInvalid
from fanfold.sources.open import open_source


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file in the folder the user is in."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "records.jsonl"
    path.write_bytes(b'{"id": "a"}\n{"id": "b", "url": "u"}\n')
    return path


def refusal(text: str) -> str:
    """What is refused before anything is read."""
    with pytest.raises(SourceInvalid) as refused:
        open_source(text)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_path_is_read(records: Path) -> None:
    assert [line.key for line in open_source(str(records))] == ["a", "b"]
    assert [line.key for line in open_source("records.jsonl", key_field="url")] == [None, "u"]


@pytest.mark.parametrize("name", ["records", "records.json", "records.ndjson", "records.txt"])
def test_a_file_of_any_other_name_is_read_as_json_lines(records: Path, name: str) -> None:
    records.rename(records.with_name(name))
    assert [line.key for line in open_source(name)] == ["a", "b"]


def test_a_file_is_longer_than_one_piece(records: Path) -> None:
    records.write_bytes(b'{"id": 7}\n' * 100_000)
    assert sum(line.key == "7" for line in open_source("records.jsonl")) == 100_000


def test_a_dash_is_standard_input() -> None:
    lines = open_source("-", stdin=BytesIO(b'{"id": 1}\n\n{"id": 2}\n'))
    assert [line.key for line in lines] == ["1", "2"]


def test_standard_input_has_a_name_in_errors() -> None:
    with pytest.raises(SourceInvalid, match=r"^standard input:2: not JSON"):
        list(open_source("-", stdin=BytesIO(b"1\nwrong\n")))


def test_without_a_standard_input_a_dash_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    assert refusal("-") == "standard input: there is none here. Name a file."


def test_a_pipe_of_the_shell_is_read(tmp_path: Path) -> None:
    """`fanfold run flows.py:f <(gunzip -c records.jsonl.gz)` names a pipe, and it opens once."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b"1\n2\n",), daemon=True)
    writer.start()
    assert [line.data for line in open_source(str(pipe))] == [1, 2]
    writer.join()


@pytest.mark.usefixtures("records")
def test_a_path_in_an_error_is_as_the_user_typed_it() -> None:
    Path("records.jsonl").write_bytes(b"wrong\n")
    with pytest.raises(SourceInvalid, match=r"^\./records\.jsonl:1: not JSON"):
        list(open_source("./records.jsonl"))


@pytest.mark.usefixtures("records")
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("missing.jsonl", "missing.jsonl: no such file"),
        ("", "'': no such file"),
        (".", ".: is a directory"),
        ("gs://bucket/records.jsonl", "gs://bucket/records.jsonl: addresses are not read"),
        ("https://a.example/records.jsonl", "https://a.example/records.jsonl: addresses are not"),
    ],
)
def test_what_cannot_be_opened_is_refused_before_anything_is_read(text: str, problem: str) -> None:
    assert refusal(text).startswith(problem)


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet", "avro", "xlsx", "CSV"])
def test_another_kind_of_table_is_to_be_converted(records: Path, ending: str) -> None:
    records.rename(records.with_suffix(f".{ending}"))
    assert refusal(f"records.{ending}") == (
        f"records.{ending}: .{ending.lower()} files are not read. "
        "Convert it to JSON Lines, one value per line."
    )


@pytest.mark.parametrize("ending", ["gz", "bz2", "xz", "zst", "zip"])
def test_a_compressed_file_is_to_be_unpacked(records: Path, ending: str) -> None:
    records.rename(records.with_name(f"records.jsonl.{ending}"))
    message = refusal(f"records.jsonl.{ending}")
    assert f".{ending} files are not read." in message
    assert "it first" in message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused(records: Path) -> None:
    records.chmod(0)
    assert refusal("records.jsonl") == "records.jsonl: no permission to read it."


def test_a_file_that_vanishes_is_told_when_it_is_read(records: Path) -> None:
    lines = open_source("records.jsonl")
    records.unlink()
    with pytest.raises(SourceInvalid, match=r"^records\.jsonl: No such file or directory"):
        next(lines)


def test_who_stops_reading_leaves_no_open_file(records: Path) -> None:
    """A file left to the collector is a warning, and warnings are errors here."""
    lines = open_source(str(records))
    next(lines)
    lines.close()  # type: ignore[attr-defined]
