"""How much memory a process has, and a bound to how much more it can get.

What a process *has* is what is resident: it can be read, but a process may get far between two
looks. What it can *map* is bounded by the kernel at once, but counts what is never touched, too:
the stacks of threads, what numerical libraries set aside. So both: a bound on what is mapped, with
room for what is not touched, against the one great leap; and whoever started the process looks at
what is resident, and ends it.
"""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PROC = Path("/proc")
_PS_SECONDS = 5.0
#: bytes that may be mapped and not touched
_ROOM = 256 * 1024**2
#: in /proc/PID/statm
_RESIDENT, _DATA = 1, 5


class Untold(Exception):
    """There is nothing to read, or no such process."""


def resident(pid: int | None = None, *, proc: Path = _PROC, ps: str = "ps") -> int:
    """Bytes of memory that a process has; by default this one. Raises Untold."""
    try:
        return _told_of(pid, _RESIDENT, proc)
    except Untold:
        if is_told(proc):  # the process is gone
            raise
    command = [ps, "-o", "rss=", "-p", str(pid or os.getpid())]
    try:
        told = subprocess.run(  # noqa: S603  a constant, and a number
            command, capture_output=True, check=True, timeout=_PS_SECONDS
        )
        return int(told.stdout) * 1024
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise Untold from error


def is_told(proc: Path = _PROC) -> bool:
    """Whether a file tells it, which costs nearly nothing."""
    return (proc / "self" / "statm").exists()


def mapped() -> int | None:
    """Bytes this process may write to, touched or not; None where that is not told."""
    try:
        return _told_of(None, _DATA, _PROC)
    except Untold:
        return None


@contextmanager
def bounded(size: int | None, before: int | None) -> Iterator[None]:
    """Let this process map `size` bytes beside the `before` it had, and some room; asking for more
    raises MemoryError. Nothing happens where either is not known."""
    if size is None or before is None:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    bound = before + size + _ROOM
    if hard != resource.RLIM_INFINITY:
        bound = min(bound, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (bound, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _told_of(pid: int | None, which: int, proc: Path) -> int:
    try:
        pages = (proc / str(pid or "self") / "statm").read_bytes().split()[which]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError) as error:
        raise Untold from error
