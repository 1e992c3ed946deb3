"""Batches in batches in batches, under workers that die at whatever they do."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable
from pathlib import Path
from time import sleep

from fanfold.domain.batch import Batch, BatchState
from fanfold.folds.stream import stream_results
from fanfold.steps.family import children_of, family_of
from fanfold.testing.cloud import Cloud
from fanfold.testing.home import Home
from fanfold.testing.nursery import Forked
from tests.chaos.nests import BILLS, REGIONS, SHOPS

#: longer than any lease of a message
LONG = 700.0
#: what a worker does all the time
CALLS = (
    ("queue", "pull"),
    ("queue", "publish"),
    ("queue", "ack"),
    ("runs", "settle"),
    ("leases", "wait"),
    ("batches", "create"),
    ("batches", "append"),
    ("batches", "close"),
)
FLOW = f"{Path(__file__).with_name('nests.py')}:nest"


def test_every_level_of_a_nest_is_exact_though_workers_die(home: Home, cloud: Cloud) -> None:
    # the stand-in takes its time, and at each death gives all that is in anybody's hands to
    # everybody: that must not be as often as makes a dead letter of it
    regions, deaths = (REGIONS, 15) if home.settings is None else (2, 6)
    batch = home.create([{"n": n} for n in range(regions)], FLOW)

    def forget_the_dead() -> None:  # and, where only time does it, the living with them
        if home.settings is not None:
            cloud.pass_(LONG)

    died = _work_and_die(home, batch, deaths, forget_the_dead)
    assert died > deaths // 2, "the nest was over before anything was proven"

    home.assert_whole(batch, regions)
    ended = home.status(batch).batch
    ports = home.ports
    outputs = [it.output for it in stream_results(ports.runs, ports.batches, ports.blobs, ended)]
    assert outputs == [{"paid": SHOPS * (BILLS - 1), "bad": SHOPS}] * regions

    shops, pays = family_of(ports, ended)
    assert (shops.part, dict(shops.batches)) == ("shop", {"completed": regions})
    assert (shops.counts.total, shops.counts.succeeded) == (regions * SHOPS,) * 2
    assert (pays.part, dict(pays.batches)) == ("shop/pay", {"completed": regions * SHOPS})
    bills = regions * SHOPS * BILLS
    assert (pays.counts.total, pays.counts.settled) == (bills, bills)
    assert (pays.counts.succeeded, pays.counts.failed) == (bills * 99 // 100, bills // 100)
    for region in children_of(ports, batch.id):
        home.assert_whole(region, SHOPS)
        for bought in children_of(ports, region.id):
            home.assert_whole(bought, BILLS, failed=1)


def _work_and_die(
    home: Home, batch: Batch, deaths: int, forget_the_dead: Callable[[], None]
) -> int:
    """Three workers, of whom each dies at some call or other, until so many have died; how many
    did."""
    chance = random.Random(11)

    def mortal() -> Forked:
        port, verb = chance.choice(CALLS)
        when = chance.choice(("before", "after"))
        return home.start((port, verb, when, chance.randint(1, 8), None), threads=8)

    workers = [mortal() for _ in range(3)]
    died = 0
    while home.ports.batches.get(batch.id).state is not BatchState.COMPLETED:
        sleep(0.05)  # polling pace; nothing depends on it
        for number, worker in enumerate(workers):
            code = worker.poll()
            if code is None:
                continue
            if code == -signal.SIGKILL:
                died += 1
                forget_the_dead()
            # else it has found nothing to do for a while
            workers[number] = mortal() if died < deaths else home.start(threads=8)
    for worker in workers:
        worker.kill()
    return died
