from __future__ import annotations

import gzip
from typing import Any

import pytest

from fanfold.domain.source_format import SourceFormat
from fanfold.errors import SourceInvalid
from fanfold.sources.formats import kind_of, read_as


def kind(name: str, **given: Any) -> str:
    return kind_of(name, SourceFormat(**given))


def refusal(name: str, **given: Any) -> str:
    with pytest.raises(SourceInvalid) as refused:
        kind(name, **given)
    return str(refused.value)


def data(kind_: Any, *chunks: bytes, **given: Any) -> list[Any]:
    lines = read_as(kind_, chunks, SourceFormat(**given), name="source", key_field="id")
    return [line.data for line in lines]


@pytest.mark.parametrize(
    ("suffix", "found"),
    [
        ("", "jsonl"),
        (".jsonl", "jsonl"),
        (".ndjson", "jsonl"),
        (".json", "?"),
        (".csv", "csv"),
        (".CSV", "csv"),
        (".tsv", "tsv"),
        (".tab", "tsv"),
        (".txt", "text"),
        (".dat", "jsonl"),
    ],
)
def test_the_suffix_says_what_a_file_is_also_under_gz(suffix: str, found: str) -> None:
    assert kind(f"records{suffix}") == kind(f"records{suffix}.gz") == found
    assert kind(f"gs://b.csv/records{suffix}") == kind(f"https://a.b/r{suffix}?x=1.tsv") == found


def test_parquet_is_read_in_place_and_so_never_packed() -> None:
    assert kind("records.PARQUET") == kind("gs://b/r.parquet") == "parquet"
    assert kind("records", format="parquet") == "parquet"
    assert "Unpack it first: gunzip records.parquet.gz" in refusal("records.parquet.gz")
    assert "Unpack it first" in refusal("records.gz", format="parquet")


def test_what_is_asked_for_goes_before_the_suffix() -> None:
    assert kind("records.csv", format="text") == "text"
    assert kind("records.parquet", format="csv") == "csv", "whoever says so has looked"


@pytest.mark.parametrize(
    "given", [{"delimiter": ";"}, {"columns": ["a"]}, {"header": False}], ids=str
)
def test_what_is_said_of_a_table_makes_it_one(given: dict[str, Any]) -> None:
    assert kind("records.txt", **given) == kind("records", **given) == "csv"
    assert kind("records.tsv", **given) == "tsv"
    for name in ("records.jsonl", "records.json", "records.parquet"):
        assert "are of CSV and TSV, and ." in refusal(name, **given)


def test_a_pointer_makes_it_one_document() -> None:
    assert kind("records.json", pointer="/a") == kind("records", pointer="/a") == "json"
    assert "a pointer is for one JSON document, and .csv is none" in refusal("a.csv", pointer="/a")


@pytest.mark.parametrize("ending", ["avro", "orc", "xlsx", "xls", "XLS"])
def test_another_kind_of_table_is_to_be_converted(ending: str) -> None:
    assert refusal(f"records.{ending}") == (
        f"records.{ending}: .{ending.lower()} files are not read. Convert it to JSON Lines or CSV."
    )


@pytest.mark.parametrize("ending", ["bz2", "xz", "zst", "zip"])
@pytest.mark.parametrize("given", [{}, {"format": "csv"}])
def test_a_file_packed_otherwise_is_to_be_unpacked(ending: str, given: dict[str, Any]) -> None:
    message = refusal(f"records.csv.{ending}", **given)
    assert f".{ending} files are not read." in message
    assert "it first" in message


@pytest.mark.parametrize(
    ("found", "source", "given", "records"),
    [
        ("jsonl", b'{"a": 1}\n2\n', {}, [{"a": 1}, 2]),
        ("json", b"[1, 2]", {}, [1, 2]),
        ("json", b'{"a": [1]}', {"pointer": "/a"}, [1]),
        ("csv", b"a,b\n1,2\n", {}, [{"a": "1", "b": "2"}]),
        ("csv", b"a;b\n1;2\n", {"delimiter": ";"}, [{"a": "1", "b": "2"}]),
        ("csv", b"1,2\n", {"columns": ["x", "y"]}, [{"x": "1", "y": "2"}]),
        ("csv", b"1,2\n", {"header": False}, [{"c1": "1", "c2": "2"}]),
        ("tsv", b"a\tb\n1\t2,3\n", {}, [{"a": "1", "b": "2,3"}]),
        ("tsv", b"a|b\n1|2\n", {"delimiter": "|"}, [{"a": "1", "b": "2"}]),
        ("text", b"a\n1\n", {}, ["a", "1"]),
    ],
)
def test_each_kind_is_read_as_such_also_if_it_is_packed(
    found: str, source: bytes, given: dict[str, Any], records: list[Any]
) -> None:
    assert data(found, source, **given) == records
    assert data(found, gzip.compress(source), **given) == records


@pytest.mark.parametrize("size", [1, 100])
@pytest.mark.parametrize(
    ("source", "records"),
    [
        (b'\xef\xbb\xbf \n\r\n[{"a": 1},\n 2]', [{"a": 1}, 2]),
        (b'\xef\xbb\xbf\n{"a": 1}\n{"a": 2}\n', [{"a": 1}, {"a": 2}]),
        (b" \n", []),
        (b"", []),
    ],
)
def test_a_json_file_is_an_array_or_json_lines_as_it_begins(
    source: bytes, records: list[Any], size: int
) -> None:
    chunks = [source[start : start + size] for start in range(0, len(source), size)]
    assert data("?", *chunks) == records
