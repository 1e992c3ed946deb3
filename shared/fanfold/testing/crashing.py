"""A worker, or a retry, in which one call goes wrong, for crash tests of either engine. Its process
is forked:

fork(crash_worker, settings, [("runs", "settle", "after", 1, None)], "die", 4)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from fanfold.execution.isolation import Isolation
from fanfold.execution.library import Library
from fanfold.ports import Ports, Station
from fanfold.settings import Settings
from fanfold.steps.retry import Selection, retry
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
        worker = Worker(
            _faulty(fanfold.ports, faults, act),
            _POLICY,
            Library(),
            Isolation(),
            threads=threads,
            sweep_seconds=3600.0,
        )
        worker.run(until_idle=True)


def crash_retry(
    settings: Settings,
    faults: Sequence[tuple[Any, ...]],
    batch_id: str,
    selection: Selection,
    changes: dict[str, Any],
) -> None:
    """Has records of a batch run again, or dies."""
    with open_fanfold(settings) as fanfold:
        retry(_faulty(fanfold.ports, faults, "die"), batch_id, selection, changes)


def _faulty(ports: Ports, faults: Sequence[tuple[Any, ...]], act: str) -> Ports:
    if act == "twice":
        return publishing_twice(ports)
    what = {"die": die, "lose_reply": lose_reply}[act]
    return with_faults(
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
