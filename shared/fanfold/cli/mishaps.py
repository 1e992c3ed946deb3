"""What goes wrong outside Fanfold, as one line with the remedy: disks and permissions."""

from __future__ import annotations

import errno

from fanfold.cli import exits

_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


def told(error: Exception) -> tuple[str, int] | None:
    """The line and the exit code; None for what nobody foresaw."""
    if not isinstance(error, OSError):
        return None
    where = "" if error.filename is None else f"{error.filename}: "
    if error.errno in _FULL:
        remedy = "Free some room, or set FANFOLD_HOME to a folder on another disk"
        return f"{where}the disk is full. {remedy}; what is stored is kept", exits.FAILED
    if error.errno in _FORBIDDEN:
        remedy = "Ask whoever owns it, or set FANFOLD_HOME to a folder of your own"
        return f"{where}{str(error.strerror).lower()}. {remedy}", exits.USAGE
    return None
