from __future__ import annotations

import gzip
import os
import threading
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from fanfold.domain.collection_query import CollectionQuery
from fanfold.domain.source_format import SourceFormat
from fanfold.errors import SourceInvalid
from fanfold.sources.open import Opened, open_items, open_source
from fanfold.sources.results import Results


@pytest.fixture
def records(here: Path) -> Path:
    path = here / "records.jsonl"
    path.write_bytes(b'{"id": "a"}\n{"id": "b", "url": "u"}\n')
    (here / "more.csv").write_bytes(b"id,n\nc,1\n")
    return path


def opened(*texts: str, stdin: bytes = b"", **more: Any) -> Opened:
    given = {it: more.pop(it) for it in list(more) if it in SourceFormat.model_fields}
    return open_source(texts, SourceFormat(**given), stdin=BytesIO(stdin), **more)


def keys(*texts: str, **more: Any) -> list[str | None]:
    return [line.key for line in opened(*texts, **more).lines()]


def refusal(*texts: str, **more: Any) -> str:
    """What is refused before anything is read."""
    with pytest.raises(SourceInvalid) as refused:
        opened(*texts, **more)
    assert "\n" not in str(refused.value)
    return str(refused.value)


# -------------------------------------------------------------------- reading


def test_a_path_is_read(records: Path) -> None:
    assert keys(str(records)) == keys("records.jsonl") == ["a", "b"]
    assert keys("records.jsonl", key_field="url") == [None, "u"]


@pytest.mark.parametrize("name", ["records", "records.json", "records.ndjson"])
def test_a_file_of_another_name_is_read_as_json_lines(records: Path, name: str) -> None:
    records.rename(records.with_name(name))
    assert keys(name) == ["a", "b"]


def test_a_file_is_longer_than_one_piece(records: Path) -> None:
    records.write_bytes(b'{"id": 7}\n' * 100_000)
    assert sum(line.key == "7" for line in opened("records.jsonl").lines()) == 100_000


@pytest.mark.usefixtures("records")
def test_several_sources_are_chained_in_the_order_given() -> None:
    assert keys("more.csv", "-", "records.jsonl", stdin=b'{"id": "s"}\n') == ["c", "s", "a", "b"]


@pytest.mark.usefixtures("records")
def test_the_files_of_a_folder_are_chained_in_the_order_of_their_names() -> None:
    assert keys("./") == keys("*.*") == ["c", "a", "b"]


@pytest.mark.usefixtures("records")
def test_how_it_is_read_is_for_all_of_it() -> None:
    lines = opened("more.csv", "-", format="text", stdin=b"x\n").lines()
    assert [it.data for it in lines] == ["id,n", "c,1", "x"]


@pytest.mark.usefixtures("records")
def test_each_file_may_be_one_record() -> None:
    (line,) = opened("records.jsonl", files="path").lines()
    assert line.data == {"path": "records.jsonl", "name": "records.jsonl", "size": 36}


@pytest.mark.parametrize(
    ("url", "content"),
    [
        ("memory://b/r.csv", b"id\na\nb\n"),
        ("memory://b/r.jsonl.gz", gzip.compress(b'{"id":"a"}\n{"id":"b"}', mtime=0)),
    ],
)
def test_an_address_reads_as_a_file_does(memory: Any, url: str, content: bytes) -> None:
    memory.pipe(url.removeprefix("memory:/"), content)
    assert keys(url) == ["a", "b"]


def test_a_file_s_address_reads_as_its_path(records: Path) -> None:
    assert keys(f"file://{records}") == ["a", "b"]


# ------------------------------------------------------------- standard input


def test_a_dash_is_standard_input() -> None:
    assert keys("-", stdin=b'{"id": 1}\n\n{"id": 2}\n') == ["1", "2"]


def test_standard_input_may_be_packed_and_of_any_kind() -> None:
    assert keys("-", stdin=gzip.compress(b"id\n1\n"), format="csv") == ["1"]


def test_standard_input_has_a_name_in_errors() -> None:
    with pytest.raises(SourceInvalid, match=r"^standard input:2: not JSON"):
        keys("-", stdin=b"1\nwrong\n")


def test_without_a_standard_input_a_dash_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(SourceInvalid, match=r"^standard input: there is none here. Name a file."):
        open_source(["-"])


def test_standard_input_is_named_once_and_is_no_file() -> None:
    assert refusal("-", "-").startswith("standard input can be read once")
    assert refusal("-", files="path").startswith("standard input is no file")


def test_a_pipe_of_the_shell_is_read(here: Path) -> None:
    """`fanfold run flows.py:f <(gunzip -c records.jsonl.gz)` names a pipe, and it opens once."""
    pipe = here / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b"1\n2\n",), daemon=True)
    writer.start()
    assert [line.data for line in opened(str(pipe)).lines()] == [1, 2]
    writer.join()


# -------------------------------------------------------------------- results


def found(text: str) -> Results:
    assert text == "last"
    return Results("batch:batch-a", "generation 1", lambda: iter([(0, "k", "7")]))


@pytest.mark.usefixtures("records")
def test_the_results_of_another_batch_are_records() -> None:
    source = opened("batch:last", "more.csv", results=found)
    assert [(it.key, it.data) for it in source.lines()] == [("k", 7), ("c", {"id": "c", "n": "1"})]
    assert source.name == "batch:batch-a, more.csv"


def test_results_take_no_format() -> None:
    assert "take no format" in refusal("batch:last", results=found, format="csv")


# ----------------------------------------------------------- name and version


@pytest.mark.usefixtures("records")
def test_the_name_is_as_it_was_typed_with_how_it_is_read() -> None:
    assert opened("./records.jsonl").name == "./records.jsonl"
    assert opened("-").name == "standard input"
    named = opened("more.csv", delimiter="tab", header=False, columns=["a", "b"]).name
    assert named == "more.csv (delimiter '\\t', columns a,b, header none)"


def test_a_name_of_many_is_short_and_still_tells_them_apart(here: Path) -> None:
    for n in range(6):
        (here / f"{n}.csv").touch()
    names = [opened(*(f"{n}.csv" for n in some)).name for some in (range(5), (0, 1, 2, 3, 5))]
    assert all(name.startswith("0.csv, 1.csv, 2.csv and 2 more (") for name in names)
    assert names[0] != names[1]


def test_the_version_changes_with_the_file_and_with_any_of_several(records: Path) -> None:
    def versions() -> list[str]:
        ways = [["records.jsonl"], ["*.*"], ["more.csv", "records.jsonl"]]
        return [opened(*texts).version for texts in ways]

    before = versions()
    assert before[0] == f"36 bytes of {records.stat().st_mtime_ns}"
    assert before == versions()
    os.utime(records, ns=(0, 7))
    after = versions()
    assert all(one != other for one, other in zip(before, after, strict=True))


def test_what_has_no_version_says_none() -> None:
    assert opened("-").version == ""


def test_a_file_that_changes_between_opening_and_reading_is_refused(records: Path) -> None:
    """Its version is what the batch says it was made of."""
    source = opened("records.jsonl")
    records.write_bytes(b'{"id": "z"}\n')
    with pytest.raises(SourceInvalid, match="it changed while it was read"):
        list(source.lines())


# ------------------------------------------------------------------- refusals


@pytest.mark.usefixtures("records")
def test_a_path_in_an_error_is_as_the_user_typed_it() -> None:
    Path("records.jsonl").write_bytes(b"wrong\n")
    with pytest.raises(SourceInvalid, match=r"^\./records\.jsonl:1: not JSON"):
        keys("./records.jsonl")


def test_parquet_that_arrives_as_a_stream_is_refused_at_once() -> None:
    assert "standard input: Parquet is read from its end on" in refusal("-", format="parquet")


@pytest.mark.usefixtures("records")
def test_each_of_several_is_refused_before_any_is_read() -> None:
    Path("t.orc").touch()
    assert refusal("records.jsonl", "missing.jsonl").startswith("missing.jsonl: no such file")
    assert refusal("*").startswith("t.orc: .orc files are not read.")
    assert refusal("records.jsonl", delimiter=";").startswith("records.jsonl: delimiter, columns")


@pytest.mark.parametrize("text", ["-", "records.jsonl", "batch:last", "firestore://a"])
@pytest.mark.usefixtures("records")
def test_a_request_from_outside_may_name_buckets_only(text: str) -> None:
    assert "a request may only name a bucket's files" in refusal(text, outside=True)


class Shelf:
    def documents(self, _: CollectionQuery) -> Iterator[tuple[str, dict[str, Any]]]:
        yield "a", {"n": 1}


def test_documents_are_read_by_who_is_handed_in_and_have_no_version() -> None:
    source = opened("firestore://articles?limit=5", collections=Shelf())
    assert [(it.key, it.data) for it in source.lines()] == [("a", {"n": 1})]
    assert (source.name, source.version) == ("firestore://articles?limit=5", "")


def test_documents_are_refused_where_nobody_is_and_take_no_format() -> None:
    assert "documents are read on the google engine" in refusal("firestore://articles")
    taken = refusal("firestore://articles", collections=Shelf(), format="csv")
    assert "they take no format" in taken
    assert "name a collection" in refusal("firestore://", collections=Shelf())
    assert "bucket's files" in refusal("firestore://a", collections=Shelf(), outside=True)


def test_a_request_from_outside_reads_a_bucket(memory: Any) -> None:
    memory.pipe("/b/r.csv", b"id\na\n")
    assert keys("memory://b/r.csv", outside=True) == ["a"]


def test_problems_are_told_to_whoever_asks_and_reading_goes_on(records: Path) -> None:
    records.write_bytes(b"1\nwrong\n2\n")
    told: list[SourceInvalid] = []
    assert [it.data for it in opened("records.jsonl", "-", stdin=b"x\n3").lines(told.append)] == [
        1,
        2,
        3,
    ]
    assert len(told) == 2


def test_who_stops_reading_leaves_no_open_file(records: Path) -> None:
    """A file left to the collector is a warning, and warnings are errors here."""
    lines = opened(str(records)).lines()
    next(lines)
    lines.close()  # type: ignore[attr-defined]


# ----------------------------------------------------------------- own source


def test_items_from_python_are_asked_for_where_they_are_read() -> None:
    def broken() -> Iterator[Any]:
        raise KeyError("url")

    source = open_items(broken, "the list", key_field="k")
    assert (source.name, source.version) == ("the list", "")
    with pytest.raises(SourceInvalid, match=r"^the list: KeyError before item 0"):
        list(source.lines())
    assert [it.key for it in open_items(lambda: [{"k": 1}], "l", key_field="k").lines()] == ["1"]
