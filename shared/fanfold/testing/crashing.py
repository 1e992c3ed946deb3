"""A worker process in which one call goes wrong, for crash tests.

python -m fanfold.testing.crashing HOME '[["runs", "settle", "after", 1, null]]' [ACT]
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

from fanfold.engines.embedded.engine import embedded_engine
from fanfold.execution.isolation import Isolation
from fanfold.execution.library import Library
from fanfold.ports import Station
from fanfold.testing.faults import Fault, die, lose_reply, publishing_twice, with_faults
from fanfold.wiring import EMBEDDED
from fanfold.worker.worker import Worker


def main(home: str, faults: str, act: str = "die", threads: str = "4") -> None:
    with embedded_engine(Path(home)) as engine:
        ports = engine
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
        # small groups, so that a batch has several of everything
        worker = Worker(
            ports,
            replace(EMBEDDED, group=10),
            Library(),
            Isolation(),
            threads=int(threads),
            sweep_seconds=3600.0,
        )
        worker.run(until_idle=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
