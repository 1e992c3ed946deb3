"""A worker process in which one call goes wrong, for crash tests of either engine.

FANFOLD_HOME=… python -m fanfold.testing.crashing '[["runs", "settle", "after", 1, null]]' [ACT]
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace

from fanfold.execution.isolation import Isolation
from fanfold.execution.library import Library
from fanfold.ports import Station
from fanfold.settings import Settings
from fanfold.testing.faults import Fault, die, lose_reply, publishing_twice, with_faults
from fanfold.wiring import EMBEDDED, open_fanfold
from fanfold.worker.worker import Worker

#: small groups, so that a batch has several of everything; claims that end soon after their owner
_POLICY = replace(EMBEDDED, group=10, claim_seconds=1.0)


def main(faults: str, act: str = "die", threads: str = "4") -> None:
    with open_fanfold(Settings.from_env()) as fanfold:
        ports = fanfold.ports
        if act == "twice":
            ports = publishing_twice(ports)
        else:
            what = {"die": die, "lose_reply": lose_reply}[act]
            ports = with_faults(
                ports,
                [
                    Fault(port, verb, when, what, nth, Station(station) if station else None)
                    for port, verb, when, nth, station in json.loads(faults)
                ],
            )
        worker = Worker(
            ports,
            _POLICY,
            Library(),
            Isolation(),
            threads=int(threads),
            sweep_seconds=3600.0,
        )
        worker.run(until_idle=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
