"""Batches in batches in batches, under workers that are killed at moments nobody chose."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

import pytest

from fanfold.domain.batch import Batch, BatchState
from fanfold.folds.stream import stream_results
from fanfold.steps.family import children_of, family_of
from fanfold.testing.cloud import Cloud
from fanfold.testing.home import Home
from tests.chaos.nests import BILLS, REGIONS, SHOPS

#: longer than any lease of a message
LONG = 700.0
FLOW = f"{Path(__file__).with_name('nests.py')}:nest"


@pytest.mark.timeout(280)
def test_every_level_of_a_nest_is_exact_though_workers_are_killed(home: Home, cloud: Cloud) -> None:
    # the stand-in takes its time, and gives all that is in anybody's hands to everybody
    regions = REGIONS if home.settings is None else 2
    batch = home.create([{"n": n} for n in range(regions)], FLOW)

    def forget_the_dead() -> None:  # and, where only time does it, the living with them
        if home.settings is not None:
            cloud.pass_(LONG)

    kills = _work_and_kill(home, batch, forget_the_dead)
    assert kills >= 3, "the nest was over before anything was proven"

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


def _work_and_kill(home: Home, batch: Batch, forget_the_dead: Callable[[], None]) -> int:
    """One of three workers, each second and a half; each five, where all that is in anybody's
    hands comes again."""
    every = 1.5 if home.settings is None else 5.0
    workers = [home.start(threads=8) for _ in range(3)]
    chance = random.Random(11)
    kills, next_kill = 0, monotonic() + every
    while home.ports.batches.get(batch.id).state is not BatchState.COMPLETED:
        sleep(0.05)  # polling pace; nothing depends on it
        for number, worker in enumerate(workers):
            if worker.poll() is not None:  # found nothing to do for a while
                workers[number] = home.start(threads=8)
        if monotonic() >= next_kill:
            victim = chance.randrange(3)
            workers[victim].kill()
            forget_the_dead()
            workers[victim] = home.start(threads=8)
            kills += 1
            next_kill = monotonic() + every
    for worker in workers:
        worker.kill()
    return kills
