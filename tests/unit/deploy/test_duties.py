"""Each function does what it may, and may what it does: what its permissions are made of."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from fanfold.deploy.duties import DUTIES, EVENTS
from fanfold.domain.batch import Batch
from fanfold.domain.messages import BatchRequestMessage
from fanfold.domain.options import BatchOptions
from fanfold.domain.run import RunState
from fanfold.errors import EngineError
from fanfold.execution.isolation import Isolation
from fanfold.execution.library import Library
from fanfold.local.functions import SERVES
from fanfold.ports import Delivery, Ports, Station
from fanfold.push.station import DeskStation, RunStation
from fanfold.sources.iterable import from_iterable
from fanfold.steps.change import change
from fanfold.steps.create_batch import BatchRequest, create_batch
from fanfold.steps.pause import pause, resume
from fanfold.steps.retry import Selection, retry
from fanfold.steps.stop import cancel
from fanfold.steps.sweep import Memory, sweep
from fanfold.testing.clock import StillClock
from fanfold.testing.stations import taken
from fanfold.wiring import EMBEDDED
from tests.unit.steps.both import opened

FLOWS = """
from fanfold import Flow, flow

scattered = (
    Flow("scattered")
    .node("items", lambda record: [1, 2])
    .batch("item", lambda item: item, distributed=True)
    .edge("items", "item")
)

@flow(retries=0)
def work(record):
    if record.get("bad"):
        raise ValueError("bad")
    return record

@flow(retries=0, fold=lambda results: [it.output for it in results])
def folded(record):
    return record
"""
BIG = "x" * 300_000
#: what a sweep takes for quiet
IMPATIENT = replace(EMBEDDED, quiet_seconds=0.0, orphan_seconds=0.0)


@dataclass
class Done:
    """What each function has done."""

    publishes: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    writes: set[str] = field(default_factory=set)


class Watched:
    """A port, as one function uses it."""

    def __init__(self, port: Any, function: str, done: Done) -> None:
        self._port, self._function, self._done = port, function, done

    def __getattr__(self, verb: str) -> Any:
        real = getattr(self._port, verb)
        if not callable(real):
            return real

        def call(*arguments: Any, **named: Any) -> Any:
            kind = type(self._port).__name__
            published = self._done.publishes[self._function]
            if verb == "condemn":
                published.add(Station.DEAD_LETTERS)
            elif verb == "publish":
                published.add(EVENTS if "Events" in kind else str(arguments[0]))
            elif "Blobs" in kind and verb in ("write", "delete"):
                self._done.writes.add(self._function)
            return real(*arguments, **named)

        return call


class Cloud:
    """Every function over one engine, and what carries messages between them."""

    def __init__(self, ports: Ports, clock: StillClock, flows: Path) -> None:
        self.ports, self.clock, self.done = ports, clock, Done()
        self.library = Library([str(flows)])
        self._loop = asyncio.new_event_loop()
        self._desks = {
            it: DeskStation(self.of(SERVES[it]), EMBEDDED, self.library, it)
            for it in Station
            if it is not Station.RUNS
        }
        self._runs = RunStation(self.of("run_flow"), EMBEDDED, self.library, Isolation(), threads=4)

    def of(self, function: str) -> Ports:
        watched = {
            name: cast("Any", Watched(getattr(self.ports, name), function, self.done))
            for name in ("queue", "events", "blobs")
        }
        return replace(self.ports, **watched)

    def create(self, records: list[Any], flow: str = "work", **options: Any) -> Batch:
        found = self.library.named(flow)
        request = BatchRequest(found.ref, BatchOptions(**options), "test")
        ports = self.of("api")
        return create_batch(ports, request, lambda: from_iterable(records, name="test"))

    def push(self, it: Delivery, station: Station | None = None) -> None:
        attributes = {"fanfold_station": str(it.origin or it.station)}
        message = {"data": b64encode(it.body).decode(), "messageId": "1", "attributes": attributes}
        envelope = {"message": message, "subscription": "s", "deliveryAttempt": it.attempt}
        body = json.dumps(envelope).encode()
        station = station or it.station
        if station is Station.RUNS:
            self._loop.run_until_complete(self._runs.handle("application/json", body))
        else:
            self._desks[station].handle("application/json", body)

    def deliver_all(self) -> None:
        while found := [it for station in Station for it in taken(self.ports, station)]:
            for it in found:
                self.push(it)

    def sweep(self, memory: Memory | None = None) -> None:
        with suppress(EngineError):
            sweep(self.of("sweep"), IMPATIENT, memory or Memory())

    def close(self) -> None:
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    (tmp_path / "flows.py").write_text(FLOWS)
    clock = StillClock()
    with opened("google", tmp_path, clock) as ports:
        cloud = Cloud(ports, clock, tmp_path / "flows.py")
        yield cloud
        cloud.close()


def test_each_function_publishes_where_it_may_and_nowhere_else(cloud: Cloud) -> None:
    batches_that_go_well(cloud)
    batches_in_somebodys_hand(cloud)
    batches_that_come_after_others(cloud)
    batches_of_items(cloud)
    messages_that_nobody_can_read(cloud)
    messages_that_die(cloud)
    messages_that_are_lost(cloud)
    done = {name: set(cloud.done.publishes[name]) for name in DUTIES}
    for name, duty in DUTIES.items():
        assert done[name] == {str(it) for it in duty.publishes}, name
    assert cloud.done.writes == {name for name, it in DUTIES.items() if it.blobs == "writes"}


def batches_that_go_well(cloud: Cloud) -> None:
    cloud.create([{"n": n, "bad": n == 3} for n in range(10)])
    cloud.create([{"n": n} for n in range(10)], concurrency=2)
    cloud.create([{"n": n} for n in range(10)], shuffle=True)
    cloud.create([])
    cloud.create([{"text": BIG}] * 2, flow="folded")
    request = BatchRequestMessage(flow="work", records=[{"n": 1}])
    body = request.model_dump_json(exclude_defaults=True).encode()
    cloud.push(Delivery(Station.FAN_OUT, body, 1, "token"))
    cloud.deliver_all()


def batches_in_somebodys_hand(cloud: Cloud) -> None:
    api = cloud.of("api")
    held = cloud.create([{"n": n, "bad": n == 0} for n in range(10)], canary=2)
    cloud.deliver_all()
    resume(api, held.id)
    cloud.deliver_all()
    retry(api, held.id, Selection(states=frozenset({RunState.FAILED})))
    cloud.deliver_all()
    limited = cloud.create([{"n": n} for n in range(10)], concurrency=1)
    fan_out = taken(cloud.ports, Station.FAN_OUT)
    for it in fan_out:
        cloud.push(it)
    change(api, limited.id, {"concurrency": 5})
    cancel(api, limited.id)
    cloud.deliver_all()
    paused = cloud.create([{"n": n, "bad": n == 0} for n in range(10)], canary=2)
    for it in taken(cloud.ports, Station.FAN_OUT):
        cloud.push(it)
    pause(api, paused.id)
    cloud.deliver_all()
    assert resume(api, paused.id).is_held  # judged by whoever resumes it
    cancel(api, paused.id)
    cloud.deliver_all()


def batches_that_come_after_others(cloud: Cloud) -> None:
    good, bad = cloud.create([{"n": 1}]), cloud.create([{"n": 1, "bad": True}])
    for it in (good, bad):
        cloud.create([{"n": 1}], after=[it.id])
    cloud.deliver_all()


def batches_of_items(cloud: Cloud) -> None:
    batch = cloud.create([{}], flow="scattered")
    cloud.deliver_all()
    assert cloud.ports.batches.get(batch.id).state == "completed"


def messages_that_nobody_can_read(cloud: Cloud) -> None:
    for station in Station:
        cloud.push(Delivery(station, b"scrap", 1, "token"))
    cloud.deliver_all()


def messages_that_die(cloud: Cloud) -> None:
    cloud.create([{"n": n, "bad": n > 3} for n in range(10)], concurrency=2)
    for it in taken(cloud.ports, Station.FAN_OUT):
        cloud.push(it)
    for it in taken(cloud.ports, Station.RUNS):
        dead = Delivery(Station.DEAD_LETTERS, it.body, 20, "token", origin=Station.RUNS)
        cloud.push(dead)
    for it in taken(cloud.ports, Station.RUNS):
        dead = Delivery(Station.DEAD_LETTERS, it.body, 20, "token", origin=Station.RUNS)
        cloud.push(dead)
    cloud.create([{"n": 1}])
    for it in taken(cloud.ports, Station.FAN_OUT):
        cloud.push(Delivery(Station.DEAD_LETTERS, it.body, 20, "token", origin=Station.FAN_OUT))
    cloud.deliver_all()


def messages_that_are_lost(cloud: Cloud) -> None:
    memory = Memory()
    cloud.create([{"n": n} for n in range(4)])
    taken(cloud.ports, Station.FAN_OUT)
    cloud.sweep(memory)
    cloud.sweep(memory)
    for it in taken(cloud.ports, Station.FAN_OUT):
        cloud.push(it)
    taken(cloud.ports, Station.FAN_OUT)
    for _ in range(3):
        cloud.sweep(memory)
    first, *rest = taken(cloud.ports, Station.RUNS)
    cloud.push(first)
    cloud.clock.pass_(3600)
    cloud.sweep(memory)  # which tells of its progress
    for it in rest:
        cloud.push(it)
    taken(cloud.ports, Station.FINALIZATIONS)
    cloud.sweep(memory)
    cloud.deliver_all()
