from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any, Literal

import pytest

from fanfold.domain.records import MAX_RECORD_BYTES
from fanfold.errors import SourceInvalid
from fanfold.sources.file import LocalFile
from fanfold.sources.line import Line
from fanfold.sources.whole_files import whole_files


@pytest.fixture
def file(here: Path) -> LocalFile:
    (here / "docs").mkdir()
    (here / "docs/a.md").write_bytes(b"\xef\xbb\xbf# a\r\n\xc3\xa9\n")
    return LocalFile(Path("docs/a.md"), "docs/a.md")


def read(file: LocalFile, what: Literal["content", "path"], **more: Any) -> Line:
    (line,) = whole_files([file], what, **more)
    return line


def test_a_file_s_text_is_in_its_record(file: LocalFile) -> None:
    line = read(file, "content")
    assert line.data == {"path": "docs/a.md", "name": "a.md", "text": "# a\r\né\n"}
    assert "\n" not in line.body


def test_a_record_may_only_say_where_its_file_is(file: LocalFile) -> None:
    assert read(file, "path").data == {"path": "docs/a.md", "name": "a.md", "size": 11}


def test_its_path_is_its_key_unless_another_field_is_named(file: LocalFile) -> None:
    line = read(file, "path")
    assert (line.key, line.keyed, line.place) == ("docs/a.md", True, "docs/a.md")
    named = read(file, "path", key_field="name")
    assert (named.key, named.keyed) == ("a.md", False)


def test_a_packed_file_is_unpacked(here: Path) -> None:
    (here / "a.txt.gz").write_bytes(gzip.compress(b"text"))
    assert read(LocalFile(Path("a.txt.gz"), "a.txt.gz"), "content").data["text"] == "text"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"a\xff", "a.bin: not UTF-8 at byte 2. Hand on where it is instead: --files path"),
        (b"x" * (MAX_RECORD_BYTES + 1), "a.bin: has more than 524,288 bytes"),
        (b"x" * (MAX_RECORD_BYTES - 4), "a.bin: the record has 524,3"),
    ],
)
def test_a_file_that_does_not_fit_in_a_record_is_named(
    here: Path, content: bytes, problem: str
) -> None:
    (here / "a.bin").write_bytes(content)
    file = LocalFile(here / "a.bin", "a.bin")
    with pytest.raises(SourceInvalid) as refused:
        read(file, "content")
    assert str(refused.value).startswith(problem)
    assert read(file, "path").data["size"] == len(content)


def test_it_goes_on_behind_a_bad_file_if_that_is_asked_for(here: Path, file: LocalFile) -> None:
    (here / "bad").write_bytes(b"\xff")
    told: list[SourceInvalid] = []
    bad = LocalFile(here / "bad", "bad")
    lines = whole_files([bad, file], "content", on_problem=told.append)
    assert [line.key for line in lines] == ["docs/a.md"]
    assert len(told) == 1
