"""The folder the embedded engine lives in, and whether it may.

    .fanfold/
      fanfold.db   (-wal, -shm)   queue and store
      write.lock                  whose turn it is to write
      owners/                     one locked file per living process
      blobs/                      sources, and outputs too large for a row

SQLite's write-ahead log needs shared memory between all its processes, so they must be on one
machine: a network file system would corrupt the file sooner or later, and is refused.
"""

from __future__ import annotations

import re
from pathlib import Path

from fanfold.errors import HomeRefused

NETWORK_FILE_SYSTEMS = frozenset(
    {
        *("9p", "afpfs", "afs", "beegfs", "ceph", "cifs", "gfs2", "glusterfs", "lustre", "ncpfs"),
        *("nfs", "nfs4", "ocfs2", "smb2", "smb3", "smbfs", "vboxsf", "webdav"),
        *("fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs"),
    }
)
_MOUNTS = Path("/proc/self/mountinfo")


def prepare_home(home: Path, mounts: Path = _MOUNTS) -> Path:
    """Make the folder, unless it cannot be a home; its absolute path."""
    home = home.expanduser().absolute()
    remedy = "Set FANFOLD_HOME to a folder on this machine's own disk."
    try:
        home.mkdir(parents=True, exist_ok=True)
        for part in ("owners", "blobs"):
            (home / part).mkdir(exist_ok=True)
        ignore = home / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")
    except OSError as error:
        raise HomeRefused(f"{home} cannot be used: {error.strerror}. {remedy}") from None
    kind = file_system_of(home.resolve(), mounts)
    if kind in NETWORK_FILE_SYSTEMS:
        raise HomeRefused(
            f"{home} is on a network file system ({kind}), where SQLite's files do not survive "
            f"several processes. {remedy}"
        )
    return home


def file_system_of(path: Path, mounts: Path = _MOUNTS) -> str | None:
    """The type of the file system a path is on, where the system tells (Linux)."""
    try:
        lines = mounts.read_text().splitlines()
    except OSError:
        return None
    best, kind = -1, None
    for line in lines:
        before, _, after = line.partition(" - ")
        # blanks, tabs and backslashes are written as octal numbers
        point = re.sub(r"\\([0-7]{3})", lambda it: chr(int(it[1], 8)), before.split()[4])
        if path.is_relative_to(point) and len(Path(point).parts) >= best:
            best, kind = len(Path(point).parts), after.split()[0]
    return kind
