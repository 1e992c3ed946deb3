"""Where records come from, as the command line takes it."""

from __future__ import annotations

import gzip
import json
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from fanfold.engines.google import values
from fanfold.engines.google.clients import open_clients
from fanfold.engines.google.firestore import Firestore
from fanfold.local.reach import LOCAL_PROJECT
from fanfold.testing.cloud import running_cloud

if TYPE_CHECKING:
    from tests.e2e.conftest import Ended, Fanfold

CSV = "id,n\na,1\nb,2\n"


def results(ended: Ended) -> list[tuple[Any, Any]]:
    assert ended.code == 0, ended.err
    return [(it["key"], it["output"]) for it in ended.lines]


def echo(fanfold: Fanfold, *arguments: str, stdin: str = "") -> list[tuple[Any, Any]]:
    """Keys and records as the flow got them."""
    return results(fanfold("run", "echo", *arguments, "--out", "-", *fanfold.small, stdin=stdin))


def spec(fanfold: Fanfold, *arguments: str, stdin: str = "") -> Any:
    """What a created batch was asked for."""
    ended = fanfold.inside("create", "echo", *arguments, stdin=stdin)
    assert ended.code == 0, ended.err
    from fanfold.settings import Settings
    from fanfold.wiring import open_fanfold

    settings = Settings.from_env().model_copy(update={"home": fanfold.home})
    with open_fanfold(settings) as opened:
        return opened.ports.batches.get(ended.out.strip())


def test_a_packed_table_runs_and_its_keys_are_the_column_s(fanfold: Fanfold) -> None:
    (fanfold.folder / "t.csv.gz").write_bytes(gzip.compress(CSV.encode()))

    assert echo(fanfold, "t.csv.gz") == [("a", {"id": "a", "n": "1"}), ("b", {"id": "b", "n": "2"})]


def test_a_parquet_file_gives_a_record_per_row(fanfold: Fanfold) -> None:
    when = datetime(2024, 2, 29, tzinfo=UTC)
    table = pa.table({"id": ["a", "b"], "at": pa.array([when, None], pa.timestamp("us", "UTC"))})
    pq.write_table(table, fanfold.folder / "t.parquet")

    assert echo(fanfold, "t.parquet") == [
        ("a", {"id": "a", "at": "2024-02-29T00:00:00+00:00"}),
        ("b", {"id": "b", "at": None}),
    ]


def test_several_sources_of_several_kinds_are_one_batch(fanfold: Fanfold) -> None:
    fanfold.write_text("t.csv", CSV)
    fanfold.write_text("a.json", '[{"id": "x"},\n 2]')
    fanfold.write_text("w.txt", "word\n")

    got = echo(fanfold, "w.txt", "a.json", "-", "t.csv", stdin='{"id": "s"}\n')

    assert [key for key, _ in got] == [None, "x", None, "s", "a", "b"]


def test_a_folder_gives_a_record_per_file(fanfold: Fanfold) -> None:
    (fanfold.folder / "docs").mkdir()
    fanfold.write_text("docs/b.md", "two")
    fanfold.write_text("docs/a.md", "one")

    assert echo(fanfold, "docs/", "--files", "content") == [
        ("docs/a.md", {"path": "docs/a.md", "name": "a.md", "text": "one"}),
        ("docs/b.md", {"path": "docs/b.md", "name": "b.md", "text": "two"}),
    ]


def test_the_results_of_a_batch_are_the_records_of_the_next_with_their_keys(
    fanfold: Fanfold,
) -> None:
    source = fanfold.write(
        "r.jsonl",
        [
            {"id": "a", "do": "return", "value": "x"},
            {"id": "b", "do": "permanent"},
            {"id": "c", "do": "return", "value": {"t": 1}},
        ],
    )
    first = fanfold("run", fanfold.puppet, source, "--json", *fanfold.small).json["batch_id"]

    assert echo(fanfold, "batch:last") == [("a", "x"), ("c", {"t": 1})]
    batch = spec(fanfold, f"batch:{first}", "--unique-keys")
    assert batch.source.name == f"batch:{first}"
    assert batch.source.version == "generation 1"


def test_all_files_below_a_folder_of_a_bucket_are_one_batch(fanfold: Fanfold) -> None:
    place = f"{secrets.token_hex(4)}/in"
    store = MemoryFileSystem()
    store.pipe({f"/{place}/b.jsonl": b"2\n", f"/{place}/a/c.csv": b"id\n1\n"})
    try:
        batch = spec(fanfold, f"memory://{place}/")
    finally:
        store.rm(f"/{place}", recursive=True)

    assert batch.source.name == f"memory://{place}/"
    assert batch.source.version.startswith("2 files, ")
    (copy,) = fanfold.stored()
    assert copy.read_text() == '"1"\t{"id": "1"}\nnull\t2\n'


@pytest.fixture
def database() -> Iterator[dict[str, str]]:
    """What leads to a database with three articles."""
    with (
        running_cloud() as cloud,
        open_clients(cloud.firestore_host, cloud.pubsub_host) as clients,
    ):
        firestore = Firestore(clients.firestore, LOCAL_PROJECT, metadata=clients.firestore_metadata)
        articles: dict[str, dict[str, Any]] = {
            "c": {"n": 1},
            "a": {"n": 3, "s": "open"},
            "b": {"n": 2, "s": "open"},
        }
        firestore.commit(
            [values.put(firestore.path("articles", it), articles[it]) for it in articles]
        )
        yield {
            "FANFOLD_ENGINE": "google",
            "FIRESTORE_EMULATOR_HOST": cloud.firestore_host,
            "PUBSUB_EMULATOR_HOST": cloud.pubsub_host,
        }


def test_the_documents_of_a_collection_are_copied_before_the_batch_starts(
    fanfold: Fanfold, database: dict[str, str]
) -> None:
    source = "firestore://articles?where=s==open&order=n"

    ended = fanfold.inside("create", "echo", source, **database)

    assert ended.code == 0, ended.err
    (copy,) = fanfold.stored()
    assert copy.read_text() == '"b"\t{"n": 2, "s": "open"}\n"a"\t{"n": 3, "s": "open"}\n'


def test_documents_are_checked_and_what_is_written_wrongly_is_refused_at_once(
    fanfold: Fanfold, database: dict[str, str]
) -> None:
    checked = fanfold.inside("run", "echo", "firestore://articles", "--check", **database)
    assert (checked.code, checked.err) == (0, "fanfold: 3 records, no problems\n")
    wrong = fanfold.inside("run", "echo", "firestore://articles?sort=n", **database)
    assert (wrong.code, wrong.err.count("\n")) == (2, 1)
    assert "'sort=n' is no part of it" in wrong.err


@pytest.mark.parametrize(
    ("name", "text", "arguments", "record"),
    [
        ("t.txt", "a;b\n1;2\n", ["--format", "csv", "--delimiter", ";"], {"a": "1", "b": "2"}),
        ("t.csv", "a\tb\n1\t2\n", ["--delimiter", "tab"], {"a": "1", "b": "2"}),
        ("t.csv", "1,2\n", ["--no-header"], {"c1": "1", "c2": "2"}),
        ("t.csv", "1,2\n", ["--columns", "x,y"], {"x": "1", "y": "2"}),
        ("d.json", '{"data": {"items": [7]}}', ["--pointer", "/data/items"], 7),
        ("t.jsonl", "[7]\n", ["--format", "text"], "[7]"),
        ("t.txt", "text", ["--files", "path"], {"path": "t.txt", "name": "t.txt", "size": 4}),
        ("t.csv", "id,b.c\n1,2\n", ["--select", "id", "--select", "x=b.c"], {"id": "1", "x": "2"}),
    ],
)
def test_each_flag_says_how_a_source_is_read(
    fanfold: Fanfold, name: str, text: str, arguments: list[str], record: Any
) -> None:
    fanfold.write_text(name, text)
    batch = spec(fanfold, name, *arguments)
    (copy,) = fanfold.stored()

    line = copy.read_text().splitlines()[0]
    assert json.loads(line.rpartition("\t")[2]) == record
    assert batch.source.name.startswith(name)
    assert (
        batch.source.version == f"{len(text)} bytes of {(fanfold.folder / name).stat().st_mtime_ns}"
    )


def test_options_of_the_batch_are_kept(fanfold: Fanfold) -> None:
    given = ["--shuffle", "--seed", "7", "--unique-keys", "--select", "id", "--select", "all=."]
    grids = ["--grid", "model=small,3,null", "--grid", 'size=["a,b", 1]']

    options = spec(fanfold, "-", *given, *grids, stdin='{"id": 1}\n').options

    assert (options.shuffle, options.seed, options.unique_keys) == (True, 7, True)
    assert options.select == {"id": "id", "all": "."}
    assert options.grid == {"model": ["small", 3, None], "size": ["a,b", 1]}


REFUSED: dict[str, tuple[list[str], str, str]] = {
    # what is wrong: arguments, standard input, what the line must say
    "a ragged row": (["ragged.csv"], "", "ragged.csv:3: 1 value for 2 columns."),
    "two keys alike": (["-", "--unique-keys"], '{"id": 1}\n{"id": 1}\n', "input:2: the key"),
    "a missing key": (["-", "--unique-keys"], "{}\n", "standard input:1: no key in 'id'"),
    "a missing place": (["-", "--select", "x=a.b"], "{}\n", "standard input:1: no 'a.b'"),
    "a select without a place": (["-", "--select", "x="], "", "write NEW=PLACE"),
    "a field twice": (["-", "--select", "x", "--select", "x=y"], "", "there is a x already"),
    "a grid without values": (["-", "--grid", "x"], "", "write NAME=V1,V2"),
    "a grid that is no array": (["-", "--grid", "x=[1"], "", "this is no JSON array"),
    "a grid given twice": (["-", "--grid", "x=1", "--grid", "x=2"], "", "x is given twice"),
    "a delimiter of two": (["-", "--delimiter", ";;"], "", "option delimiter: must be one charac"),
    "a pointer that is none": (["-", "--pointer", "data"], "", "option pointer: must be a JSON po"),
    "flags that do not fit": (["-", "--files", "path", "--format", "csv"], "", "takes no format"),
    "an unknown format": (["-", "--format", "xml"], "", "See: fanfold run --help"),
    "an array inside": (["object.json", "--format", "json"], "", "Say with --pointer where"),
    "no such batch": (["batch:last"], "", "there are no batches here"),
    "a pattern for nothing": (["*.none"], "", "*.none: no file matches."),
    "a folder": (["."], "", ".: is a folder. Write ./ for all files in it."),
    "documents": (["firestore://articles"], "", "set FANFOLD_ENGINE=google"),
    "no Parquet": (["bad.parquet"], "", "bad.parquet: from row 0 on it is no Parquet"),
    "Parquet as a stream": (["-", "--format", "parquet"], "", "so it must be a file. Name it."),
    "an ORC file": (["t.orc"], "", "Convert it to JSON Lines or CSV."),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_it_is_refused_in_one_line_and_nothing_is_stored(fanfold: Fanfold, what: str) -> None:
    arguments, stdin, said = REFUSED[what]
    fanfold.write_text("ragged.csv", "a,b\n1,2\n3\n")
    fanfold.write_text("object.json", '{"a": []}')
    fanfold.write_text("t.orc", "ORC")
    fanfold.write_text("bad.parquet", "PAR1")

    ended = fanfold.inside("run", "echo", *arguments, stdin=stdin)

    assert (ended.code, ended.out) == (2, ""), ended.err
    assert ended.err.count("\n") == 1, ended.err
    assert said in ended.err
    assert fanfold.stored() == []


# --------------------------------------------------------------------- --check


@pytest.mark.parametrize("command", ["run", "create"])
def test_check_tells_every_problem_and_stores_nothing(fanfold: Fanfold, command: str) -> None:
    good, bad = '{"name": "tea", "price": 1}\n', '{"name": "milk", "price": "much"}\n'
    fanfold.write_text("r.jsonl", good + "{bad}\n" + bad + good)

    ended = fanfold.inside(command, fanfold.flow("priced"), "r.jsonl", "--check")

    assert ended.code == 2
    first, second = ended.out.splitlines()
    assert first.startswith("r.jsonl:2: not JSON: ")
    assert second.startswith("r.jsonl:3: price: Input should be a valid number")
    assert ended.err.splitlines()[-1] == "fanfold: 4 records, 2 problems"
    assert not fanfold.home.exists()


def test_check_of_a_good_source_says_so(fanfold: Fanfold) -> None:
    fanfold.write_text("t.csv", CSV)

    ended = fanfold("run", "echo", "t.csv", "--check", "--unique-keys")

    assert (ended.code, ended.out) == (0, "")
    assert ended.err == "fanfold: 2 records, no problems\n"
    assert not fanfold.home.exists()


def test_check_shows_the_first_problems_and_counts_all(fanfold: Fanfold) -> None:
    fanfold.write_text("t.csv", "a,b\n" + "1\n" * 25 + "1,2\n")

    ended = fanfold.inside("run", "echo", "t.csv", "--check")
    told = fanfold.inside("run", "echo", "t.csv", "--check", "--json")

    assert ended.out.count("\n") == 20
    assert ended.err == "fanfold: 26 records, 25 problems; the first 20 are shown\n"
    assert (told.code, told.json["records"], told.json["problems"]) == (2, 26, 25)
    assert told.json["first_problems"] == ended.out.splitlines()


def test_check_reads_the_results_of_another_batch(fanfold: Fanfold) -> None:
    fanfold("run", "echo", "-", "--quiet", *fanfold.small, stdin='"x"\n{"name": "a", "price": 1}\n')

    ended = fanfold.inside("run", fanfold.flow("priced"), "batch:last", "--check")

    assert ended.code == 2
    assert ended.out.startswith("batch:batch-")
    assert ": record 0: " in ended.out
    assert len(fanfold.batches()) == 1
