from __future__ import annotations

import os
from pathlib import Path

import pytest

from fanfold.errors import SourceInvalid
from fanfold.sources.file import LocalFile, chunks_of


def test_a_file_has_its_bytes_size_and_version(here: Path) -> None:
    (here / "a.txt").write_bytes(b"abc")
    file = LocalFile(Path("a.txt"), "a.txt")
    assert b"".join(chunks_of(file)) == b"abc"
    assert (file.name, file.size) == ("a.txt", 3)
    assert file.version == f"3 bytes of {(here / 'a.txt').stat().st_mtime_ns}"


@pytest.mark.parametrize("change", ["size", "time"])
def test_a_file_that_changes_while_it_is_read_is_refused(here: Path, change: str) -> None:
    path = here / "a.txt"
    path.write_bytes(b"x" * 300_000)
    chunks = chunks_of(LocalFile(path, "a.txt"))
    next(chunks)
    if change == "size":
        path.write_bytes(b"x" * 300_001)
    else:
        os.utime(path, ns=(0, 7))
    with pytest.raises(SourceInvalid, match=r"^a\.txt: it changed while it was read\. Read a copy"):
        list(chunks)


def test_a_file_that_vanishes_is_told(here: Path) -> None:
    path = here / "a.txt"
    path.write_bytes(b"x")
    file = LocalFile(path, "a.txt")
    path.unlink()
    with pytest.raises(SourceInvalid, match=r"^a\.txt: No such file or directory\."):
        list(chunks_of(file))


def test_a_pipe_has_no_version(here: Path) -> None:
    os.mkfifo(here / "pipe")
    file = LocalFile(here / "pipe", "pipe")
    assert (file.version, file.size) == ("", None)
