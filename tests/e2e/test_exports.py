"""Results into files: formats, folders, URLs, and as they come."""

from __future__ import annotations

import csv
import gzip
import json
import secrets
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from fanfold.folds import read_csv_export
from fanfold.testing.cloud.storage import running_storage

if TYPE_CHECKING:
    from tests.e2e.conftest import Ended, Fanfold

#: Every fourth fails, with what a spreadsheet would take for a formula.
RECORDS: list[dict[str, Any]] = [
    {"id": f"=k{n}", "do": "permanent", "message": "@x, \n'\"y"} if n % 4 == 1
    else {"id": f"k{n}\n,", "do": "return", "value": {"label": f"l{n % 2}", "score": {"of": -n}}}
    for n in range(10)
]  # fmt: skip


@pytest.fixture(scope="module")
def done(shared_fanfold: Fanfold) -> Fanfold:
    """A completed batch of ten records."""
    source = shared_fanfold.write("records.jsonl", RECORDS)
    given = ("--retries", "0", "--quiet", "--out", "run.csv", *shared_fanfold.small)
    ended = shared_fanfold("run", shared_fanfold.puppet, source, *given)
    assert ended.code == 0, ended.err
    return shared_fanfold


@pytest.fixture(scope="module")
def lines(done: Fanfold) -> list[Any]:
    found: list[Any] = done.inside("results", "last").lines
    assert len(found) == len(RECORDS)
    return found


def export(fanfold: Fanfold, out: str, *options: str) -> Ended:
    ended = fanfold.inside("results", "last", "--out", out, *options)
    assert ended.code == 0, ended.err
    return ended


def manifest(folder: Path) -> Any:
    return json.loads((folder / "manifest.json").read_text())


# ----------------------------------------------------------------- formats


def test_run_writes_what_the_name_asks_for(done: Fanfold, lines: list[Any]) -> None:
    assert list(read_csv_export(done.folder / "run.csv")) == lines


def test_csv_is_read_by_anybody_and_back_exactly(done: Fanfold, lines: list[Any]) -> None:
    assert export(done, "all.csv").err == "all.csv: 10 results\n"

    assert list(read_csv_export(done.folder / "all.csv")) == lines
    with (done.folder / "all.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [it["index"] for it in rows] == [str(n) for n in range(10)]
    assert rows[1]["key"] == "'=k1", "no formula"
    assert rows[1]["error_message"] == "'@x, \n'\"y"
    assert json.loads(rows[2]["output"]) == lines[2]["output"]


def test_fields_of_the_output_become_columns(done: Fanfold) -> None:
    export(done, "-", "--format", "csv", "--columns", "label,score=score.of")
    table = done.inside("results", "last", "--format", "csv", "--columns", "label,score=score.of")

    rows = list(csv.reader(table.out.splitlines(keepends=True)))
    assert rows[0] == ["index", "key", "status", "label", "score", "error_type", "error_message"]
    assert rows[3][3:5] == ["l0", "-2"]


@pytest.mark.parametrize(
    ("out", "options"), [("a.jsonl.gz", []), ("a.csv.gz", []), ("packed.csv", ["--gzip"])]
)
def test_a_packed_file_holds_the_same(
    done: Fanfold, lines: list[Any], out: str, options: list[str]
) -> None:
    export(done, out, *options)

    text = gzip.decompress((done.folder / out).read_bytes()).decode()
    if out == "a.jsonl.gz":
        assert [json.loads(it) for it in text.splitlines()] == lines
    else:
        assert text.startswith("index,key,status,output,error_type,error_message\r\n0,")


def test_several_statuses_may_be_asked_for(done: Fanfold) -> None:
    failed = done.inside("results", "last", "--status", "failed,canceled").lines
    both = done.inside("results", "last", "--status", "failed, succeeded").lines

    assert [it["index"] for it in failed] == [1, 5, 9]
    assert len(both) == 10


def test_parquet_is_read_by_anybody(done: Fanfold, lines: list[Any]) -> None:
    assert export(done, "all.parquet").err == "all.parquet: 10 results\n"
    export(done, "some.parquet", "--columns", "label,score=score.of", "--status", "succeeded")

    rows = pq.read_table(done.folder / "all.parquet").to_pylist()
    assert [it["key"] for it in rows] == [it["key"] for it in lines]
    assert rows[1]["error_message"] == lines[1]["error"]["message"]
    assert json.loads(rows[2]["output"]) == lines[2]["output"]
    some = pq.read_table(done.folder / "some.parquet").to_pylist()
    assert [(it["label"], it["score"]) for it in some[:2]] == [("l0", 0), ("l0", -2)]


def test_run_writes_parquet_and_it_is_a_source_again(fanfold: Fanfold) -> None:
    records = "".join(f'{{"id": "k{n}", "n": {n}}}\n' for n in range(5))
    ended = fanfold("run", "echo", "-", "--out", "r.parquet", *fanfold.small, stdin=records)
    assert ended.code == 0, ended.err

    again = fanfold("run", "echo", "r.parquet", "--key", "key", "--out", "-", *fanfold.small)

    assert [(it["key"], it["output"]["n"]) for it in again.lines] == [
        (f"k{n}", n) for n in range(5)
    ]


# ------------------------------------------------------------- many files


def test_a_folder_has_parts_and_a_manifest_and_is_replaced_as_a_whole(
    done: Fanfold, lines: list[Any]
) -> None:
    folder = done.folder / "parts"
    export(done, "parts/", "--shard-records", "3")

    described = manifest(folder)
    files = [folder / it["name"] for it in described["files"]]
    read = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    assert read == lines
    assert described["batch_id"] == done.batches()[0]["batch_id"]
    assert [it["first_index"] for it in described["files"]] == [0, 3, 6, 9]

    ended = export(done, "parts/", "--format", "csv", "--gzip", "--status", "failed")

    assert sorted(it.name for it in folder.iterdir()) == ["manifest.json", "part-00000.csv.gz"]
    assert "removed part-00000.jsonl, part-00001.jsonl" in ended.err
    assert [it["index"] for it in read_csv_export(folder / "part-00000.csv.gz")] == [1, 5, 9]
    assert manifest(folder)["records"] == 3


def test_a_url_is_a_place_like_any_other(done: Fanfold, lines: list[Any]) -> None:
    place = secrets.token_hex(4)
    try:
        export(done, f"memory://{place}/all.jsonl")
        export(done, f"memory://{place}/parts/", "--shard-records", "4", "--gzip")
        memory = MemoryFileSystem()
        whole = memory.cat_file(f"/{place}/all.jsonl")
        described = json.loads(memory.cat_file(f"/{place}/parts/manifest.json"))
        parts = [memory.cat_file(f"/{place}/parts/{it['name']}") for it in described["files"]]
    finally:
        MemoryFileSystem().rm(f"/{place}", recursive=True)

    assert [json.loads(it) for it in whole.splitlines()] == lines
    assert b"".join(map(gzip.decompress, parts)) == whole
    assert described["records"] == 10


def test_a_bucket_is_a_place_like_any_other(done: Fanfold, lines: list[Any]) -> None:
    given = ("results", "last", "--out", "gs://mine/exports/today/", "--shard-records")
    with running_storage("mine") as storage:
        first = done.inside(*given, "2", STORAGE_EMULATOR_HOST=storage.url)
        ended = done.inside(*given, "4", STORAGE_EMULATOR_HOST=storage.url)
        there = storage.objects.all("mine")
        no_bucket = done.inside(
            "results", "last", "--out", "gs://yours/a.csv", STORAGE_EMULATOR_HOST=storage.url
        )

    assert (first.code, ended.code) == (0, 0), first.err + ended.err
    names = [f"exports/today/part-0000{n}.jsonl" for n in range(3)]
    assert sorted(there) == ["exports/today/manifest.json", *names]
    read = [json.loads(line) for it in names for line in there[it].content.splitlines()]
    assert read == lines
    assert "removed part-00003.jsonl, part-00004.jsonl of an older export" in ended.err
    assert (no_bucket.code, no_bucket.err.count("\n")) == (1, 1)
    assert "there is no bucket 'yours'" in no_bucket.err


def test_a_file_url_is_this_disk(done: Fanfold, lines: list[Any]) -> None:
    export(done, (done.folder / "by-url.jsonl").as_uri())
    assert done.read("by-url.jsonl") == lines


def test_a_folder_of_parquet(done: Fanfold, lines: list[Any]) -> None:
    export(done, "columns/", "--format", "parquet", "--shard-records", "4")

    names = [it["name"] for it in manifest(done.folder / "columns")["files"]]
    assert names == [f"part-0000{n}.parquet" for n in range(3)]
    parts = [pq.read_table(done.folder / "columns" / it)["index"].to_pylist() for it in names]
    assert [index for part in parts for index in part] == [it["index"] for it in lines]


def test_run_exports_into_a_folder(fanfold: Fanfold) -> None:
    ended = fanfold("run", "echo", "-", "--out", "new/", *fanfold.small, stdin="1\n2\n")

    assert ended.code == 0, ended.err
    assert [it["output"] for it in fanfold.read("new/part-00000.jsonl")] == [1, 2]
    assert manifest(fanfold.folder / "new")["batch_id"] == fanfold.batches()[0]["batch_id"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--format", "xml"], "it is one of jsonl, csv, parquet"),
        (["--columns", "label"], "--columns is for CSV"),
        (["--out", "a.parquet.gz"], "Parquet is compressed in itself"),
        (["--out", "new/", "--format", "parquet", "--gzip"], "Parquet is compressed in itself"),
        (["--format", "parquet", "--follow"], "Follow as JSON Lines or CSV"),
        (["--out", "a.parquet", "--columns", "rest"], "'rest' is in every Parquet"),
        (["--out", "a.csv", "--columns", "key"], "'key' is in every export"),
        (["--out", "a.jsonl", "--shard-records", "5"], "--shard-records is for a folder"),
        (["--out", "no/such/"], "there is no folder"),
        (["--out", "records.jsonl/"], "is a file. Leave the / off"),
        (["--out", ""], "name a file"),
        (["--out", "nothing://bucket/x.csv"], "Protocol not known: nothing"),
        (["--out", "gs://bucket"], "write it like gs://bucket/results.jsonl"),
        (["--out", "new/", "--follow"], "--follow writes to a file or to standard output"),
        (["--status", "failed,odd"], "not 'odd'"),
    ],
)
def test_what_cannot_be_exported_is_refused_in_one_line(
    done: Fanfold, options: list[str], said: str
) -> None:
    ended = done.inside("results", "last", *options)

    assert (ended.code, ended.out) == (2, "")
    assert ended.err.count("\n") == 1
    assert said in ended.err
    assert not (done.folder / "new").exists()


# ---------------------------------------------------------------- following


class Gated:
    """A batch of four records, each of which waits for a gate of its own."""

    def __init__(self, fanfold: Fanfold) -> None:
        self._folder = fanfold.folder
        log = str(fanfold.folder / "log")
        records = [{"gate": str(self._gate(n)), "log": log} for n in range(4)]
        source = fanfold.write("records.jsonl", records)
        workers = ("--processes", "1", "--threads", "4", "--quiet")
        self.going = fanfold.start("run", fanfold.flow("gated"), source, *workers)
        self.going.until((fanfold.folder / "log").exists)

    def _gate(self, number: int) -> Path:
        return self._folder / f"gate-{number}"

    def open(self, *numbers: int) -> None:
        for number in numbers:
            self._gate(number).touch()


def test_results_are_followed_in_record_order_until_the_end(fanfold: Fanfold) -> None:
    gated = Gated(fanfold)
    to_file = fanfold.start("results", "last", "--follow", "--out", "followed.csv")
    to_stdout = fanfold.start("results", "last", "--follow")
    file = fanfold.folder / "followed.csv"

    def seen() -> list[int]:
        has_begun = file.exists() and file.stat().st_size > 0
        return [it["index"] for it in read_csv_export(file)] if has_begun else []

    gated.open(1)
    to_file.until(lambda: fanfold.inside("status", "last", "--json").json["succeeded"] == 1)
    gated.open(0)
    to_file.until(lambda: seen() == [0, 1])
    gated.open(2, 3)
    ended = to_file.end(), to_stdout.end(), gated.going.end()

    assert [it.code for it in ended] == [0, 0, 0]
    assert seen() == [0, 1, 2, 3]
    assert [(it["index"], it["output"]) for it in ended[1].lines] == [
        (n, "through") for n in range(4)
    ]
    assert "followed.csv: 4 results" in ended[0].err


def test_ctrl_c_ends_the_following_behind_a_whole_result(fanfold: Fanfold) -> None:
    gated = Gated(fanfold)
    going = fanfold.start("results", "last", "--follow", "--out", "followed.jsonl")
    file = fanfold.folder / "followed.jsonl"
    gated.open(0)
    going.until(lambda: file.exists() and file.read_text().endswith("\n"))

    going.interrupt(signal.SIGINT)
    ended = going.end()

    assert ended.code == 130
    assert ended.err.endswith("fanfold: interrupted after 1 result\n")
    assert [it["index"] for it in fanfold.read("followed.jsonl")] == [0]
    gated.open(1, 2, 3)
    assert gated.going.end().code == 0, "the batch went on"


def test_what_has_ended_is_followed_to_its_end_at_once(done: Fanfold, lines: list[Any]) -> None:
    followed = done.inside("results", "last", "--follow", "--status", "failed").lines
    assert followed == [it for it in lines if it["status"] == "failed"]
