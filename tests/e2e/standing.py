"""What `fanfold up` brings up, as tests of it see it."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fanfold.local.addresses import is_free

if TYPE_CHECKING:
    from tests.e2e.conftest import Ended, Fanfold, Going

GOOGLE = ("--engine", "google")
#: two processors have enough to do with these
FEW = ("--threads", "4")


class Started:
    """What a command has started: processes by their groups, and the ports they listen at."""

    def __init__(self, going: Going, *hosts: str) -> None:
        rows = processes()
        self.groups = {row["pid"] for row in rows if row["parent"] == going.process.pid}
        self.programs = [row["program"] for row in rows if row["pid"] in self.groups]
        self.ports = [int(host.rpartition(":")[2].rstrip("/")) for host in hosts]

    def left(self) -> list[Any]:
        """What is still there."""
        programs = [row["program"] for row in processes() if row["group"] in self.groups]
        return [*programs, *(port for port in self.ports if not is_free(port))]


def processes() -> list[dict[str, Any]]:
    """Those that run; one that is only not reaped does not."""
    columns = ("pid", "parent", "group", "state", "program")
    told = subprocess.run(
        ["ps", "-wweo", "pid=,ppid=,pgid=,stat=,args="], capture_output=True, text=True, check=True
    )
    rows = [dict(zip(columns, it.split(None, 4), strict=True)) for it in told.stdout.splitlines()]
    return [
        {**row, **{name: int(row[name]) for name in columns[:3]}}
        for row in rows
        if not row["state"].startswith("Z")
    ]


class Up:
    """A `fanfold up` that has come up."""

    def __init__(self, fanfold: Fanfold, *options: str) -> None:
        self.fanfold = fanfold
        self.going = fanfold.start("up", *GOOGLE, *FEW, *options)
        self.going.until(lambda: "Ctrl-C stops it" in self.going.err)
        self.told: dict[str, Any] = self.fanfold.inside("up", "--env", "--json").json
        hosts = [self.told["firestore"], self.told["pubsub"], *self.told["functions"].values()]
        self.started = Started(self.going, *hosts)

    def emulator(self, name: str) -> int:
        """Its process."""
        mark = {"firestore": "CloudFirestore", "pubsub": "cloud-pubsub-emulator"}[name]
        own = [row for row in processes() if row["parent"] == self.going.process.pid]
        (found,) = [int(row["pid"]) for row in own if mark in row["program"]]
        return found

    def end(self, number: signal.Signals) -> Ended:
        self.going.interrupt(number)
        return self.going.end()


class Gated:
    """A run of two records, the first of which have begun and wait for a gate."""

    def __init__(self, fanfold: Fanfold, name: str, **env: str) -> None:
        self.gate, log = fanfold.folder / f"{name}.gate", fanfold.folder / f"{name}.log"
        record = {"gate": str(self.gate), "log": str(log)}
        source = fanfold.write(f"{name}.jsonl", [record] * 2)
        run = ("run", fanfold.flow("gated"), source, *GOOGLE, *FEW)
        self.going: Going = fanfold.start(*run, "--out", f"{name}.out", **env)
        self.going.until(log.exists)


def until(condition: Callable[[], object]) -> None:
    while not condition():
        time.sleep(0.01)
