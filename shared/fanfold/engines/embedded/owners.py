"""Which processes live, told by the kernel.

A process that leases messages holds a POSIX lock on a file of its own. The kernel lets go of it
when the process ends, however it ends, so whoever can take the lock knows that the owner is dead,
at once, and needs no heartbeat. POSIX locks are not inherited by forked children: a flow's own
children do not keep a dead worker alive. They belong to the process, so this process's own files
must never be probed (the probe would succeed) nor opened twice (closing the second would let go).
"""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path

#: the names this process itself goes by; not the files', for a home may be reached by two paths
_mine: set[str] = set()


class Ownership:
    """This process's (or this engine's) name, alive as long as it is held."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._path = folder / self.name
        self._handle: int | None = None

    def hold(self) -> None:
        if self._handle is not None:
            return
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        _mine.add(self.name)
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._handle = handle

    def is_alive(self, name: str) -> bool:
        """Whether another process of this home, by its name, lives."""
        return is_alive(self._folder, name)

    def forget(self, name: str) -> None:
        """Nothing is held in the name of this dead process any more."""
        forget(self._folder, name)

    def let_go(self) -> None:
        if self._handle is None:
            return
        os.close(self._handle)
        self._handle = None
        _mine.discard(self.name)


def is_alive(folder: Path, name: str) -> bool:
    if name in _mine:
        return True
    try:
        handle = os.open(folder / name, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def forget(folder: Path, name: str) -> None:
    (folder / name).unlink(missing_ok=True)
