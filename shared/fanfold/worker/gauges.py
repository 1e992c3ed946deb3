"""What a process reads of itself and of its machine: memory and load. Cheap, and asked seldom.

Linux tells in files. Elsewhere `ps` tells what a process has; what the machine has left nobody
tells in one way, so a share of it cannot be a bound there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from fanfold.errors import UsageError
from fanfold.execution import memory


class Unreadable(UsageError):
    """This process cannot read what it is to keep within. Start it without that bound."""


class Gauges(Protocol):
    """Each raises Unreadable where there is nothing to read."""

    def resident(self) -> int:
        """Bytes of memory that this process has."""

    def memory_share(self) -> float:
        """How much of its memory the machine uses, or the container: 0 to 1."""

    def load(self) -> float:
        """How many processes ran or wanted to, over the last minute."""


class SystemGauges:
    """`proc` and `cgroups`: where Linux keeps them."""

    def __init__(
        self,
        proc: Path = Path("/proc"),
        cgroups: Path = Path("/sys/fs/cgroup"),
        ps: str = "ps",
    ) -> None:
        self._proc = proc
        self._cgroups = cgroups
        self._ps = ps

    def resident(self) -> int:
        try:
            return memory.resident(proc=self._proc, ps=self._ps)
        except memory.Untold as error:
            raise Unreadable(
                "this process cannot read how much memory it has: there is no /proc/self/statm, "
                f"and `{self._ps} -o rss=` does not tell. Leave --max-memory out"
            ) from error

    def memory_share(self) -> float:
        """The container's, or else the machine's; of containers in one another, the fullest."""
        shares = list(self._container_shares())
        return max(shares) if shares else self._machine_share()

    def _container_shares(self) -> Iterator[float]:
        try:
            groups = (self._proc / "self" / "cgroup").read_text().splitlines()
        except OSError:
            return
        own = next((line[3:].strip("/") for line in groups if line.startswith("0::")), None)
        if own is None:
            return
        folder = self._cgroups / own
        for group in (folder, *folder.parents):
            if (share := _share_of(group)) is not None:
                yield share
            if group == self._cgroups:
                return

    def _machine_share(self) -> float:
        try:
            lines = (self._proc / "meminfo").read_text().splitlines()
            sizes = {
                name: int(rest.split()[0]) for name, _, rest in (it.partition(":") for it in lines)
            }
            return 1.0 - sizes["MemAvailable"] / sizes["MemTotal"]
        except (OSError, ValueError, LookupError, ZeroDivisionError) as error:
            raise Unreadable(
                "how much memory this machine uses cannot be read here: there is no /proc/meminfo. "
                "Give --max-memory a size, such as 2GiB: then it is this process's own"
            ) from error

    def load(self) -> float:
        try:
            return os.getloadavg()[0]
        except OSError as error:
            raise Unreadable("this machine tells no load average. Leave --max-load out") from error


def _share_of(group: Path) -> float | None:
    """Of a group that has a limit. Files it has read count as its memory, too, but the kernel drops
    them at need: with them, whoever reads a large file would seem to be at its limit for ever."""
    try:
        limit = int((group / "memory.max").read_text())  # "max" is no number, and no limit
        current = int((group / "memory.current").read_text())
        return max(0, current - _droppable(group)) / limit
    except (OSError, ValueError, ZeroDivisionError):
        return None


def _droppable(group: Path) -> int:
    try:
        lines = (group / "memory.stat").read_text().splitlines()
        return sum(int(it.split()[1]) for it in lines if it.startswith("inactive_file "))
    except (OSError, ValueError, IndexError):
        return 0
