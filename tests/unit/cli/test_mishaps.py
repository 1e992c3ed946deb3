"""What goes wrong outside Fanfold has a remedy, too."""

from __future__ import annotations

import errno
import os

import pytest

from fanfold.cli.mishaps import told


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_as_such(number: int) -> None:
    line, code = told(OSError(number, os.strerror(number), "blobs/x")) or ("", 0)

    assert line.startswith("blobs/x: the disk is full. Free some room")
    assert code == 1


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_what_is_somebody_elses_is_bad_usage(number: int) -> None:
    line, code = told(OSError(number, os.strerror(number), "blobs/x")) or ("", 0)

    assert line.startswith(f"blobs/x: {os.strerror(number).lower()}. Ask whoever owns it")
    assert code == 2


def test_what_nobody_foresaw_is_not_explained_away() -> None:
    assert told(ValueError("x")) is None
    assert told(OSError(errno.EIO, "Input/output error")) is None
