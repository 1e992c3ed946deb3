"""Where the embedded engine may live."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fanfold.engines.embedded.engine import embedded_engine
from fanfold.engines.embedded.home import NETWORK_FILE_SYSTEMS, file_system_of, prepare_home
from fanfold.errors import HomeRefused

Mounts = Callable[..., Path]


@pytest.fixture
def mounts(tmp_path: Path) -> Mounts:
    """A mountinfo file, as the kernel writes it: an ordinary root, and what the test mounts."""

    def write(*lines: tuple[Path | str, str]) -> Path:
        file = tmp_path / "mountinfo"
        rows = [("/", "ext4"), *lines]
        file.write_text(
            "".join(
                f"{number} 1 0:{number} / {_escaped(str(point))} rw shared:1 - {kind} src rw\n"
                for number, (point, kind) in enumerate(rows, start=22)
            )
        )
        return file

    return write


def _escaped(point: str) -> str:
    return point.replace("\\", "\\134").replace(" ", "\\040").replace("\t", "\\011")


def one_line(refusal: pytest.ExceptionInfo[HomeRefused]) -> str:
    text = str(refusal.value)
    assert "\n" not in text
    assert "FANFOLD_HOME" in text, "it says the remedy"
    return text


def test_a_home_is_made_with_its_parents_and_keeps_itself_out_of_git(tmp_path: Path) -> None:
    home = prepare_home(tmp_path / "deep" / "home")
    assert home.is_dir()
    assert (home / ".gitignore").read_text() == "*\n"
    assert prepare_home(home) == home, "a home that is there already is fine"


def test_a_relative_home_is_taken_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert prepare_home(Path("here")) == tmp_path / "here"


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs"])
def test_a_home_on_a_network_file_system_is_refused(
    tmp_path: Path, mounts: Mounts, kind: str
) -> None:
    with pytest.raises(HomeRefused) as refusal:
        prepare_home(tmp_path / "home", mounts((tmp_path, kind)))
    assert kind in one_line(refusal)


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "tmpfs", "overlay", "apfs", "zfs"])
def test_a_home_on_an_ordinary_file_system_is_accepted(
    tmp_path: Path, mounts: Mounts, kind: str
) -> None:
    prepare_home(tmp_path / "home", mounts((tmp_path, kind)))


def test_the_innermost_mount_decides(tmp_path: Path, mounts: Mounts) -> None:
    share, disk = tmp_path / "share", tmp_path / "share" / "disk"
    table = mounts((share, "nfs4"), (disk, "ext4"))
    prepare_home(disk / "home", table)
    with pytest.raises(HomeRefused):
        prepare_home(share / "home", table)
    # in whatever order they were mounted
    table = mounts((disk, "nfs4"), (share, "ext4"))
    prepare_home(share / "home", table)
    with pytest.raises(HomeRefused):
        prepare_home(disk / "home", table)


def test_the_last_of_two_mounts_at_one_place_decides(tmp_path: Path, mounts: Mounts) -> None:
    prepare_home(tmp_path / "home", mounts((tmp_path, "nfs4"), (tmp_path, "ext4")))


def test_a_mount_beside_the_home_with_a_name_alike_does_not_concern_it(
    tmp_path: Path, mounts: Mounts
) -> None:
    prepare_home(tmp_path / "homestead", mounts((tmp_path / "home", "nfs4")))


@pytest.mark.parametrize("name", ["my share", "two  blanks", "back\\slash", "a\ttab"])
def test_a_mount_point_is_recognised_however_the_kernel_writes_it(
    tmp_path: Path, mounts: Mounts, name: str
) -> None:
    with pytest.raises(HomeRefused):
        prepare_home(tmp_path / name / "home", mounts((tmp_path / name, "nfs4")))


def test_a_link_to_a_network_file_system_is_seen_through(tmp_path: Path, mounts: Mounts) -> None:
    share = tmp_path / "share"
    share.mkdir()
    (tmp_path / "link").symlink_to(share)
    with pytest.raises(HomeRefused):
        prepare_home(tmp_path / "link" / "home", mounts((share, "nfs4")))


def test_where_the_system_does_not_tell_its_mounts_a_home_is_accepted(tmp_path: Path) -> None:
    assert file_system_of(tmp_path, tmp_path / "no such file") is None
    prepare_home(tmp_path / "home", tmp_path / "no such file")


def test_this_very_machine_tells_what_its_own_folders_are_on(tmp_path: Path) -> None:
    if not Path("/proc/self/mountinfo").exists():
        pytest.skip("this system does not list its mounts")
    kind = file_system_of(tmp_path)
    assert kind is not None
    assert kind not in NETWORK_FILE_SYSTEMS


def test_a_file_in_the_way_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("I was here first")
    with pytest.raises(HomeRefused) as refusal:
        prepare_home(tmp_path / "home")
    assert str(tmp_path / "home") in one_line(refusal)
    with pytest.raises(HomeRefused):
        prepare_home(tmp_path / "home" / "below")
    assert (tmp_path / "home").read_text() == "I was here first"


def test_a_folder_nobody_may_write_in_is_said_in_one_line(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    if os.geteuid() == 0:  # who may do everything may still not do this
        locked = Path("/proc/self")
        if not locked.exists():
            pytest.skip("there is no folder that is closed to this user")
    else:
        locked.mkdir(mode=0o500)
    with pytest.raises(HomeRefused) as refusal:
        prepare_home(locked / "home")
    one_line(refusal)


@pytest.mark.parametrize("name", ["write.lock", "fanfold.db"])
def test_a_file_of_the_home_that_cannot_be_opened_is_said_in_one_line(
    tmp_path: Path, name: str
) -> None:
    """As after a run by another user; a folder in its place stands for that, whoever tests."""
    home = tmp_path / "home"
    (home / name).mkdir(parents=True)
    with pytest.raises(HomeRefused, match=str(home)), embedded_engine(home):
        pass
