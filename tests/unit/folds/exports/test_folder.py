from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from fanfold.folds.exports.folder import DiskFolder


def broken() -> Iterator[bytes]:
    yield b"half of it"
    raise RuntimeError("the power is off")


def test_a_file_is_there_whole_in_a_folder_that_is_made_for_it(tmp_path: Path) -> None:
    folder = DiskFolder(tmp_path / "new")
    assert folder.names() == []
    folder.write("a", [b"1", b"2"])
    assert (folder.names(), (tmp_path / "new" / "a").read_bytes()) == (["a"], b"12")


def test_what_breaks_off_leaves_what_was_there_and_no_draft(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"before")
    with pytest.raises(RuntimeError):
        DiskFolder(tmp_path).write("a", broken())
    assert {it.name: it.read_bytes() for it in tmp_path.iterdir()} == {"a": b"before"}


def test_a_file_that_is_replaced_keeps_who_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"before")
    path.chmod(0o640)
    DiskFolder(tmp_path).write("a", [b"after"])
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"after", 0o640)


def test_what_is_deleted_is_gone_and_may_be_deleted_again(tmp_path: Path) -> None:
    folder = DiskFolder(tmp_path)
    folder.write("a", [b"1"])
    folder.delete("a")
    folder.delete("a")
    assert folder.names() == []
