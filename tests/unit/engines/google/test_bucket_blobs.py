"""Blobs in a bucket: whole or not there, a few requests each, and errors that say what to do."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fanfold.engines.google.bucket import Bucket, Patience
from fanfold.engines.google.bucket_blobs import BucketBlobs, open_bucket_blobs
from fanfold.errors import BlobNotFound, EngineError
from fanfold.local.addresses import free_port
from fanfold.testing.cloud import Fault
from fanfold.testing.cloud.faults import Kind
from fanfold.testing.cloud.objects import QUANTUM
from fanfold.testing.cloud.storage import Storage, running_storage

#: once, and not again
AT_ONCE = Patience(seconds=0.0)
LARGE = bytes(range(256)) * (4 * QUANTUM // 256) + b"and a rest"

#: what makes each of the calls
ASK: dict[str, Callable[[BucketBlobs], object]] = {
    "begin": lambda blobs: blobs.write("a", [b"two"]),
    "upload": lambda blobs: blobs.write("a", [b"two"]),
    "download": lambda blobs: blobs.read("a"),
    "delete": lambda blobs: blobs.delete("a"),
}


@pytest.fixture
def storage() -> Iterator[Storage]:
    with running_storage("mine") as storage:
        yield storage


@pytest.fixture
def blobs(storage: Storage) -> Iterator[BucketBlobs]:
    with open_bucket_blobs("gs://mine", storage.url) as blobs:
        yield blobs


@pytest.fixture
def in_parts(storage: Storage) -> Iterator[BucketBlobs]:
    """So small ones that LARGE has five."""
    bucket = Bucket("mine", storage.url)
    yield BucketBlobs(bucket, part_bytes=QUANTUM)
    bucket.close()


def names(storage: Storage) -> set[str]:
    return set(storage.objects.all("mine"))


# ------------------------------------------------------------------ whole


def test_a_large_blob_is_not_seen_before_its_last_part(
    storage: Storage, in_parts: BucketBlobs
) -> None:
    def chunks() -> Iterator[bytes]:
        yield LARGE
        assert storage.operations.calls["upload"] == 4
        assert names(storage) == set()
        yield b", at last"

    assert in_parts.write("a", chunks()) == len(LARGE) + 9
    assert b"".join(in_parts.read("a")) == LARGE + b", at last"


def test_a_write_that_breaks_off_between_parts_leaves_the_earlier_blob_and_no_upload(
    storage: Storage, in_parts: BucketBlobs
) -> None:
    def broken() -> Iterator[bytes]:
        yield LARGE
        raise KeyboardInterrupt

    in_parts.write("a", [b"one"])
    with pytest.raises(KeyboardInterrupt):
        in_parts.write("a", broken())
    assert b"".join(in_parts.read("a")) == b"one"
    assert storage.objects.open_uploads() == 0
    gc.collect()  # nor does what was left behind finish it later
    assert storage.objects.all("mine")["a"].content == b"one"


@pytest.mark.parametrize("method", ASK)
@pytest.mark.parametrize("kind", ["lost-reply", "unavailable", "exhausted"])
def test_a_reply_that_is_lost_or_late_changes_nothing(
    storage: Storage, in_parts: BucketBlobs, method: str, kind: Kind
) -> None:
    for nth in (1, 3, 6):
        storage.faults.add(Fault(method, kind, nth=nth))
    in_parts.write("a", [LARGE])
    assert b"".join(in_parts.read("a")) == LARGE
    in_parts.delete("a")
    assert names(storage) == set()


def test_a_large_part_is_streamed_and_holds_nobody_up(storage: Storage, blobs: BucketBlobs) -> None:
    """aiohttp warns of a body that is sent in one go, and a warning is an error here."""
    assert blobs.write("a", [LARGE]) == len(LARGE)
    assert storage.operations.calls["upload"] == 1
    assert b"".join(blobs.read("a")) == LARGE


@pytest.mark.parametrize("size", [0, 4 * QUANTUM, 5 * QUANTUM + 1])
def test_what_the_service_takes_less_of_is_sent_on(storage: Storage, size: int) -> None:
    bucket = Bucket("mine", storage.url)
    blobs = BucketBlobs(bucket, part_bytes=4 * QUANTUM)
    content = (LARGE + LARGE)[:size]
    storage.objects.takes = QUANTUM
    assert blobs.write("a", [content]) == size
    assert storage.objects.all("mine")["a"].content == content
    bucket.close()


def test_a_service_that_takes_nothing_is_not_asked_for_ever(
    storage: Storage, in_parts: BucketBlobs
) -> None:
    storage.objects.takes = 0
    with pytest.raises(EngineError, match="does not take 'a' as a whole"):
        in_parts.write("a", [LARGE])
    assert names(storage) == set()
    assert storage.objects.open_uploads() == 0


# ---------------------------------------------------------------- reading


def test_only_the_piece_that_is_read_is_fetched(storage: Storage, in_parts: BucketBlobs) -> None:
    in_parts.write("a", [LARGE])
    chunks = in_parts.read("a", QUANTUM + 7)
    assert next(chunks) == LARGE[QUANTUM + 7 : 2 * QUANTUM + 7]
    assert storage.operations.calls["download"] == 1
    assert b"".join(chunks) == LARGE[2 * QUANTUM + 7 :]
    assert storage.operations.calls["download"] == 4


def test_a_blob_that_is_replaced_is_read_anew(storage: Storage, blobs: BucketBlobs) -> None:
    with open_bucket_blobs("mine", storage.url) as others:
        blobs.write("a", [b"one"])
        assert b"".join(others.read("a")) == b"one"
        blobs.write("a", [b"another"])
        assert b"".join(others.read("a")) == b"another"


def test_a_blob_that_is_replaced_while_it_is_read_is_never_mixed(in_parts: BucketBlobs) -> None:
    in_parts.write("a", [LARGE])
    chunks = in_parts.read("a")
    next(chunks)
    in_parts.write("a", [LARGE[::-1]])
    with pytest.raises(EngineError, match="replaced or deleted while it was read"):
        next(chunks)


# ------------------------------------------------------------------ costs


def test_a_small_blob_costs_two_requests_to_write_and_one_to_read_or_delete(
    storage: Storage, blobs: BucketBlobs
) -> None:
    blobs.write("a", [b"one", b"two"])
    assert storage.operations.calls == {"begin": 1, "upload": 1}
    list(blobs.read("a"))
    blobs.delete("a")
    assert storage.operations.calls == {"begin": 1, "upload": 1, "download": 1, "delete": 1}


# ------------------------------------------------------------------ names


@pytest.mark.parametrize(
    ("place", "key"),
    [
        ("mine", "b/a.json"),
        ("gs://mine", "b/a.json"),
        ("gs://mine/", "b/a.json"),
        ("gs://mine/team/one", "team/one/b/a.json"),
        ("gs://mine/team/one/", "team/one/b/a.json"),
    ],
)
def test_a_bucket_is_named_with_or_without_a_prefix(storage: Storage, place: str, key: str) -> None:
    with open_bucket_blobs(place, storage.url.removeprefix("http://")) as blobs:
        blobs.write("b/a.json", [b"one"])
        assert names(storage) == {key}


@pytest.mark.parametrize("name", ["a b", "ü/ö", "50%25", "a?b=c&d", "a#1234", "{}", "a+b"])
def test_a_name_may_have_any_letters(storage: Storage, blobs: BucketBlobs, name: str) -> None:
    blobs.write(name, [b"one"])
    assert names(storage) == {name}
    assert b"".join(blobs.read(name)) == b"one"
    blobs.delete(name)
    assert names(storage) == set()


# ----------------------------------------------------------------- errors


def test_a_missing_bucket_is_not_taken_for_a_missing_blob(storage: Storage) -> None:
    with open_bucket_blobs("gs://yours/prefix", storage.url) as blobs:
        for ask in (lambda: blobs.write("a", [b"one"]), lambda: blobs.read("a")):
            with pytest.raises(EngineError, match=r"no bucket 'yours'.*FANFOLD_BUCKET") as refusal:
                ask()
            assert not isinstance(refusal.value, BlobNotFound)


def test_a_missing_blob_is_one_also_where_its_bucket_may_not_be_looked_into(
    storage: Storage, blobs: BucketBlobs
) -> None:
    storage.faults.add(Fault("list", "denied"))
    with pytest.raises(BlobNotFound, match=r"'a' is gone from gs://mine\."):
        blobs.read("a")


@pytest.mark.parametrize("method", ASK)
def test_what_is_forbidden_is_tried_once_and_says_which_role_it_takes(
    storage: Storage, blobs: BucketBlobs, method: str
) -> None:
    blobs.write("a", [b"one"])
    before = storage.operations
    storage.faults.add(Fault(method, "denied"))
    with pytest.raises(EngineError, match=r"bucket 'mine' .*storage\.objectUser.*FANFOLD_BUCKET"):
        ASK[method](blobs)
    assert (storage.operations - before).calls[method] == 1
    assert storage.objects.open_uploads() == 0


def test_a_service_that_stays_away_is_given_up_with_its_own_words(storage: Storage) -> None:
    storage.faults.add(Fault("download", "unavailable"))
    with (
        open_bucket_blobs("mine", storage.url, Patience(seconds=0.2)) as blobs,
        pytest.raises(EngineError, match=r"injected: unavailable, 503\. It was tried for 0\.2 s"),
    ):
        blobs.read("a")
    assert storage.operations.calls["download"] > 1


def test_a_service_that_does_not_answer_is_not_waited_for(storage: Storage) -> None:
    storage.faults.add(Fault("download", "delay", seconds=0.5))
    patience = Patience(seconds=0.0, request_seconds=0.05)
    with (
        open_bucket_blobs("mine", storage.url, patience) as blobs,
        pytest.raises(EngineError, match=r"no answer within 0\.05 s"),
    ):
        blobs.read("a")


def test_where_nobody_listens_the_address_is_told() -> None:
    host = f"127.0.0.1:{free_port()}"
    with open_bucket_blobs("mine", host, AT_ONCE) as blobs:
        for ask in (lambda: blobs.write("a", [b"one"]), lambda: blobs.read("a")):
            with pytest.raises(
                EngineError, match=f"bucket 'mine' at http://{host}: Cannot connect"
            ):
                ask()


def test_without_credentials_the_cloud_is_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with (
        open_bucket_blobs("mine") as blobs,
        pytest.raises(EngineError, match=r"no credentials.*gcloud auth application-default login"),
    ):
        blobs.read("a")


# -------------------------------------------------- threads and processes


def test_many_threads_use_it_at_once(storage: Storage, blobs: BucketBlobs) -> None:
    def there_and_back(number: int) -> bool:
        content = [b"%d" % number] * 1000
        blobs.write(f"{number}", content)
        return b"".join(blobs.read(f"{number}")) == b"".join(content)

    with ThreadPoolExecutor(32) as pool:
        assert all(pool.map(there_and_back, range(200)))
    assert len(names(storage)) == 200


FORK = """
import os, sys
from fanfold.engines.google.bucket_blobs import open_bucket_blobs

with open_bucket_blobs("mine", sys.argv[1]) as blobs:
    blobs.write("parent", [b"one"])
    child = os.fork()
    if not child:
        blobs.write("child", blobs.read("parent"))
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    sys.stdout.buffer.write(b"".join(blobs.read("child")))
"""


def test_a_process_that_is_forked_from_one_that_used_it_can_use_it(storage: Storage) -> None:
    forked = subprocess.run(
        [sys.executable, "-c", FORK, storage.url], capture_output=True, check=True, timeout=60
    )
    assert forked.stdout == b"one"


def test_its_connections_end_with_it(storage: Storage) -> None:
    with open_bucket_blobs("mine", storage.url) as blobs:
        blobs.write("a", [b"one"])
        assert not storage.left_alone(seconds=0.0)
    assert storage.left_alone()


def test_the_blobs_right_in_its_place_are_listed_page_by_page(storage: Storage) -> None:
    storage.page_names = 2
    with (
        open_bucket_blobs("gs://mine/exports", storage.url) as blobs,
        open_bucket_blobs("gs://mine", storage.url) as whole,
    ):
        assert blobs.names() == []
        for name in ("a", "b", "c", "d", "deeper/e"):
            blobs.write(name, [b"1"])
        whole.write("exports-of-others", [b"1"])

        assert blobs.names() == ["a", "b", "c", "d"]
        assert whole.names() == ["exports-of-others"]
