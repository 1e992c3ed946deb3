"""A worker whose engine fails at one call or another: nothing is lost, nothing counted twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, cast

from fanfold.domain.batch import Batch
from fanfold.domain.run import Live
from fanfold.engines.embedded.engine import embedded_engine
from fanfold.errors import EngineError
from fanfold.ports import Leases, Station
from fanfold.testing.conformance.rig import ok
from fanfold.testing.faults import Fault, lose_reply, with_faults
from fanfold.testing.home import Home
from fanfold.testing.stations import fanned_out
from fanfold.testing.working import until, working
from fanfold.wiring import EMBEDDED

PUPPET = "fanfold.testing.puppet:puppet"
#: waits go through `lives`, and what looks quiet is so at once
POLICY = replace(
    EMBEDDED, wait_in_place=0.001, claim_seconds=0.5, quiet_seconds=0.5, turns_ahead=0.0
)
OFF, ON = 3600.0, 0.2
When = Literal["before", "after"]

#: Each call that a worker makes of its engine, and whether the sweep is needed for what it loses:
#: what is released or woken in nobody's name has no message whose redelivery would mend it.
SWEEPS = {
    ("runs", "settle"): OFF,
    ("runs", "read"): OFF,
    ("runs", "settled"): OFF,
    ("runs", "recount"): OFF,
    ("leases", "wait"): OFF,
    ("leases", "wake"): ON,
    ("leases", "hold"): OFF,
    ("leases", "lives"): OFF,
    ("frontier", "advance"): ON,
    ("frontier", "window"): OFF,
    ("frontier", "reserve"): OFF,
    ("batches", "get"): OFF,
    ("batches", "find"): OFF,
    ("batches", "amend"): OFF,
    ("batches", "append"): OFF,
    ("batches", "close"): OFF,
    ("queue", "publish"): ON,
    ("queue", "pull"): OFF,
    ("queue", "ack"): OFF,
    ("blobs", "write"): OFF,
}
#: those that only a batch with a rate makes, whose turns are all too far away to wait for here
RATED = {("leases", "hold"), ("frontier", "reserve")}
WHENS: tuple[When, ...] = ("before", "after")
CALLS = [
    (port, verb, when)
    for port, verb in SWEEPS
    for when in WHENS
    # what a pull whose reply was lost had leased comes again when the lease ends, a minute later
    if (verb, when) != ("pull", "after")
]


def is_ended(home: Home, batch: Batch) -> bool:
    return home.ports.batches.get(batch.id).ended


def test_whichever_call_of_the_engine_s_fails_the_batch_is_whole_in_the_end(
    tmp_path: Path,
) -> None:
    """All at once, for each waits out a few delays."""
    with ThreadPoolExecutor(12) as pool:
        broken = list(pool.map(lambda call: what_breaks(tmp_path, *call), CALLS))
    assert [it for it in broken if it] == []


def what_breaks(folder: Path, port: str, verb: str, when: When) -> str | None:
    records: list[dict[str, Any]] = [
        {"do": "ok"},
        {"do": "big"},
        {"do": "permanent"},
        {"do": "rate-limited", "after": 0.05},
    ]
    path = folder / f"{port}-{verb}-{when}"
    faults = [Fault(port, verb, when, lose_reply, nth) for nth in (1, 3)]
    with embedded_engine(path) as ports:
        home = Home(path, ports)
        rate = "50/s" if (port, verb) in RATED else None
        batch = home.create(records * 3, PUPPET, concurrency=4, rate=rate)
        broken = with_faults(ports, faults)
        try:
            with working(broken, policy=POLICY, sweep_seconds=SWEEPS[port, verb]):
                until(lambda: is_ended(home, batch), patience=60)
            assert faults[0].calls >= 1, "the fault was never reached"
            home.assert_whole(batch, 12, failed=3)
        except AssertionError as error:
            return f"{port}.{verb} failing {when} it was done: {error}"
    return None


def test_a_duty_that_failed_half_way_is_not_forgotten(home: Home) -> None:
    """The redelivered message of a settled run fails to be caught up with, and comes once more."""
    batch = fanned_out(home.ports, home.create([{"do": "ok"}], PUPPET))
    home.ports.queue.release(home.ports.queue.pull(Station.RUNS, 10))
    home.ports.runs.settle(batch, [ok(batch, 0)])  # and died before it asked
    fault = Fault("runs", "read", "before", lose_reply, nth=2)  # admit reads first
    with working(with_faults(home.ports, [fault])):
        until(lambda: is_ended(home, batch), patience=30)
    assert fault.calls >= 3
    home.assert_whole(batch, 1)


def test_a_batch_that_cannot_be_looked_at_holds_up_none_of_the_others(home: Home) -> None:
    """Each has a record that waits, and one of them cannot be woken."""
    later = {"do": "retryable", "after": 0.01, "message": "not yet"}
    fine = home.create([later], PUPPET, retries=1)
    stuck = home.create([later], PUPPET, retries=1)
    ports = replace(home.ports, leases=cast(Leases, _Refusing(home.ports.leases, stuck.id)))
    with working(ports, policy=POLICY):
        until(lambda: home.ports.batches.get(fine.id).ended)
    assert not home.ports.batches.get(stuck.id).ended
    with working(home.ports, policy=POLICY):
        until(lambda: home.ports.batches.get(stuck.id).ended)


class _Refusing:
    """Leases of which one batch's cannot be woken."""

    def __init__(self, leases: Leases, batch_id: str) -> None:
        self._leases = leases
        self._batch_id = batch_id

    def __getattr__(self, verb: str) -> Any:
        return getattr(self._leases, verb)

    def wake(self, batch: Batch, now: float, until: float, limit: int) -> list[Live]:
        if batch.id == self._batch_id:
            raise EngineError("it is locked")
        return self._leases.wake(batch, now, until, limit)
