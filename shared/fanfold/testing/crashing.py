"""A worker in which one call goes wrong, for crash tests of either engine. Its process is forked:

fork(crash_worker, settings, [("runs", "settle", "after", 1, None)], "die", 4)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from fanfold.execution.isolation import Isolation
from fanfold.execution.library import Library
from fanfold.ports import Station
from fanfold.settings import Settings
from fanfold.testing.faults import Fault, die, lose_reply, publishing_twice, with_faults
from fanfold.wiring import EMBEDDED, open_fanfold
from fanfold.worker.worker import Worker

#: small groups, so that a batch has several of everything; claims that end soon after their owner
_POLICY = replace(EMBEDDED, group=10, claim_seconds=1.0)


#: in a fault's last place: only advances that a record's message makes
OF_RECORD = "of-record"


def crash_worker(
    settings: Settings, faults: Sequence[tuple[Any, ...]], act: str, threads: int
) -> None:
    """Works until it is idle, or dies."""
    with open_fanfold(settings) as fanfold:
        ports = fanfold.ports
        if act == "twice":
            ports = publishing_twice(ports)
        else:
            what = {"die": die, "lose_reply": lose_reply}[act]
            ports = with_faults(
                ports,
                [
                    Fault(
                        *(port, verb, when, what, nth),
                        station=Station(only) if only and only != OF_RECORD else None,
                        of_record=only == OF_RECORD,
                    )
                    for port, verb, when, nth, only in faults
                ],
            )
        worker = Worker(
            ports,
            _POLICY,
            Library(),
            Isolation(),
            threads=threads,
            sweep_seconds=3600.0,
        )
        worker.run(until_idle=True)
