"""The six functions, served as deployed, on the stand-in: no Java is needed, and every message may
come twice, be lost on the way, or have its answer lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from fanfold.domain.batch import Batch
from fanfold.domain.priority import PRIORITIES
from fanfold.local.up import Up, brought_up
from fanfold.settings import Settings
from fanfold.testing.cloud import Cloud, Fault, Limits, Operations, running_cloud
from fanfold.testing.cloud.faults import Kind
from fanfold.testing.home import Home
from fanfold.testing.working import until
from fanfold.wiring import open_fanfold

pytestmark = pytest.mark.slow
ECHO = "fanfold.flows.echo:echo"
LIMITS = pytest.mark.parametrize("concurrency", [None, 16], ids=["unlimited", "limited"])
#: longer than any back-off
LATER = 600.0


@dataclass(frozen=True, slots=True)
class Served:
    cloud: Cloud
    up: Up
    home: Home

    def create(self, count: int, concurrency: int | None) -> Batch:
        records = [{"n": n} for n in range(count)]
        return self.home.create(records, ECHO, concurrency=concurrency)

    def until_ended(self, batch: Batch) -> None:
        """What backs off is not waited for: then time passes."""

        def ended() -> bool:
            self.up.tend()
            self.until_quiet()
            return self.home.ports.batches.get(batch.id).ended

        until(ended)

    def until_quiet(self) -> None:
        """Also what backs off has been pushed, so far as it did not fail again."""
        self.cloud.pushes.until_quiet()
        self.cloud.pass_(LATER)
        self.cloud.pushes.until_quiet()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    # two transactions that want each other's document need not wait for so long as in the cloud
    with running_cloud(limits=Limits(lock_seconds=0.1)) as cloud:
        settings = Settings.from_env().model_copy(
            update={
                "engine": "google",
                "home": tmp_path_factory.mktemp("home"),
                "prefix": "standin-",
                "firestore_emulator_host": cloud.firestore_host,
                "pubsub_emulator_host": cloud.pubsub_host,
            }
        )
        with brought_up(settings, service_pushes=True) as up, open_fanfold(up.settings) as fanfold:
            yield Served(cloud, up, Home(settings.home, fanfold.ports, up.settings))


@pytest.fixture(autouse=True)
def nothing_left(served: Served) -> Iterator[None]:
    """Of a test's faults, for the next one."""
    yield
    served.cloud.faults.clear()
    served.until_quiet()


@LIMITS
def test_a_batch_goes_through(served: Served, concurrency: int | None) -> None:
    before = served.cloud.operations
    batch = served.create(200, concurrency)
    served.cloud.pushes.until_quiet()
    served.home.assert_whole(batch, 200)
    done = served.cloud.operations - before
    assert sum(n for name, n in done.delivered.items() if name.endswith("-runs")) == 200


def test_a_batch_is_started_and_looked_at_by_the_api_function(served: Served) -> None:
    address = served.up.standing.functions["api"]
    with httpx.Client(base_url=f"http://{address.removeprefix('http://')}", timeout=60) as client:
        body = {"flow": "echo", "records": [{"n": n} for n in range(20)]}
        batch_id = client.post("/api/batches", json=body).json()["batch_id"]
        served.until_ended(served.home.ports.batches.get(batch_id))
        seen = client.get(f"/api/batches/{batch_id}").json()
        assert (seen["status"], seen["counts"]["succeeded"]) == ("completed", 20)
        assert client.get(f"/api/batches/{batch_id}/certificate").json()["holds"]


def test_functions_share_a_rate(served: Served) -> None:
    batch = served.home.create([{"n": n} for n in range(60)], ECHO, rate="50/s")
    served.until_ended(batch)
    served.home.assert_whole(batch, 60)
    runs = served.home.ports.runs.read(batch.id, range(60)).values()
    begun = sorted(it.started_at for it in runs)
    for number, at in enumerate(begun):
        assert at >= batch.created_at + number / 50 - 0.002


def test_batches_of_each_class_go_through(served: Served) -> None:
    """In whatever order: the service pushes from each subscription for itself."""
    before = served.cloud.operations
    records = [{"n": n} for n in range(100)]
    batches = [served.home.create(records, ECHO, priority=it, concurrency=16) for it in PRIORITIES]
    for batch in batches:
        served.until_ended(batch)
        served.home.assert_whole(batch, 100)
    delivered = (served.cloud.operations - before).delivered
    runs = {name.rpartition("fanfold-")[2]: n for name, n in delivered.items() if "-runs" in name}
    assert runs == {"runs": 100, "runs-high": 100, "runs-low": 100}


@LIMITS
def test_everything_may_come_twice_at_the_same_time(
    served: Served, concurrency: int | None
) -> None:
    served.cloud.faults.add(Fault("Push", "duplicate"))
    batch = served.create(200, concurrency)
    served.until_ended(batch)
    served.home.assert_whole(batch, 200)


@LIMITS
@pytest.mark.parametrize("kind", ["lost-reply", "unavailable", "reorder"])
def test_by_chance_anything_may_go_wrong_on_the_way(
    served: Served, kind: Kind, concurrency: int | None
) -> None:
    fault = served.cloud.faults.add(Fault("Push", kind, probability=0.2))
    batch = served.create(200, concurrency)
    served.until_ended(batch)
    served.home.assert_whole(batch, 200)
    assert fault.struck > 0


@pytest.mark.parametrize("station", ["fan-out", "finalizations"])
def test_a_station_may_do_the_same_again_and_again_since_nobody_hears_it(
    served: Served, station: str
) -> None:
    lost = Fault("Push", "lost-reply", touching=f"subscriptions/standin-fanfold-{station}", times=3)
    served.cloud.faults.add(lost)
    batch = served.create(200, None)
    served.until_ended(batch)
    while lost.struck < 3:
        served.until_quiet()
    served.until_quiet()
    served.home.assert_whole(batch, 200)


def test_a_record_costs_its_one_write_and_next_to_nothing_else(served: Served) -> None:
    """While a commit lasts, outcomes gather for the next; here long enough on any machine."""
    records = 1000
    before = served.cloud.operations
    served.cloud.limits.commit_seconds = 0.3
    batch = served.create(records, None)
    served.cloud.pushes.until_quiet()
    served.cloud.limits.commit_seconds = 0.0
    done = served.cloud.operations - before
    served.home.assert_whole(batch, records)

    assert done.writes_by_collection()["standin-runs"] == records
    assert done.written <= 1.05 * records
    assert done.reads["standin-runs"] == 2, "the recount's: all, and what succeeded"
    # a close reads each of the batch's slots, once more when two try it at once and one loses;
    # other reads are fewer the faster it goes
    closes = done.calls["BeginTransaction"] * batch.slots
    assert done.reads["slots"] <= closes + 0.05 * records, done.reads
    assert done.read - done.reads["slots"] <= 0.1 * records, done.reads
    assert done.deletes_by_collection().keys() == {"slots"}
    assert done.calls["Publish"] <= 0.01 * records
    assert done.calls["Push"] == pushed(done) <= 1.01 * records


def pushed(done: Operations) -> int:
    """Of what was published, all but that it started and that it ended: nobody subscribes."""
    (events,) = [count for name, count in done.published.items() if name.endswith("fanfold-events")]
    assert events >= 2, "on a slow machine it tells of its progress besides"
    return done.published.total() - events


def test_with_a_limit_a_record_is_still_pushed_once_and_released_in_groups(served: Served) -> None:
    records = 300
    before = served.cloud.operations
    batch = served.create(records, 50)
    served.cloud.pushes.until_quiet()
    done = served.cloud.operations - before
    served.home.assert_whole(batch, records)
    assert done.writes_by_collection()["standin-runs"] == records
    assert done.calls["Push"] == pushed(done) <= 1.01 * records
    assert done.calls["Publish"] <= 0.5 * records
