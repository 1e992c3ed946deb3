"""A message anybody may publish becomes a batch, of records or of a bucket's files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from fanfold.domain.batch import Batch
from fanfold.domain.messages import BatchRequestMessage, decode_fan_out
from fanfold.domain.people import Principal
from fanfold.errors import MessageInvalid, RequestReused
from fanfold.execution.library import Library
from fanfold.folds.result import Result
from fanfold.folds.stream import stream_results
from fanfold.ports import Ports
from fanfold.sources.copy import read_copy
from fanfold.steps.register import register
from fanfold.steps.start_batch import start_batch
from fanfold.testing.working import work


@pytest.fixture
def memory() -> Iterator[Any]:
    store = fsspec.filesystem("memory")
    store.pipe(
        {"/b/a.csv": b"key;n\na;1\n", "/b/c.csv": b"key;n\nc;2\n", "/b/d.json": b'{"x":[7]}'}
    )
    yield store
    store.store.clear()


def start(ports: Ports, **fields: Any) -> Batch:
    message = decode_fan_out(json.dumps({"flow": "echo", **fields}).encode())
    assert isinstance(message, BatchRequestMessage)
    return start_batch(ports, Library(), message, "m1")


def records_of(ports: Ports, batch: Batch) -> list[Any]:
    copy = ports.blobs.read(batch.source.blob)
    return [json.loads(it.body) for it in read_copy(copy, name="copy")]


@pytest.mark.usefixtures("memory")
def test_a_source_in_a_bucket_is_read_as_the_message_says(ports: Ports) -> None:
    batch = start(ports, source="memory://b/*.csv", delimiter=";", key="key", unique_keys=True)
    assert records_of(ports, batch) == [{"key": "a", "n": "1"}, {"key": "c", "n": "2"}]
    assert batch.source.name == "memory://b/*.csv (delimiter ;)"
    assert batch.source.version.startswith("2 files, ")


def test_all_files_below_a_folder_of_a_bucket_are_read(ports: Ports, memory: Any) -> None:
    memory.pipe({"/b/in/b.jsonl": b"2\n", "/b/in/a/c.jsonl": b"1\n", "/b/in/.hidden": b"3\n"})
    batch = start(ports, source="memory://b/in/")
    assert records_of(ports, batch) == [1, 2]
    assert batch.source.name == "memory://b/in/"
    assert batch.source.version.startswith("2 files, ")


@pytest.mark.usefixtures("memory")
def test_several_sources_are_chained(ports: Ports) -> None:
    sources = ["memory://b/c.csv", "memory://b/a.csv"]
    batch = start(ports, source=sources, columns=["line"], delimiter="|")
    assert [it["line"] for it in records_of(ports, batch)] == ["key;n", "c;2", "key;n", "a;1"]


@pytest.mark.usefixtures("memory")
def test_every_part_of_the_format_counts(ports: Ports) -> None:
    def records(name: str, **fields: Any) -> list[Any]:
        return records_of(ports, start(ports, source=name, request_id=str(fields), **fields))

    assert records("memory://b/d.json", pointer="/x") == [7]
    assert records("memory://b/a.csv", format="text") == ["key;n", "a;1"]
    assert records("memory://b/a.csv", header=False)[1] == {"c1": "a;1"}
    (file,) = records("memory://b/a.csv", files="path")
    assert file == {"path": "memory://b/a.csv", "name": "a.csv", "size": 10}


@pytest.mark.parametrize(
    "form", ["{}", "file://{}", "./", "-", "https://localhost/r", "batch:last", "firestore://a"]
)
def test_no_local_file_and_no_web_address_is_read(ports: Ports, tmp_path: Path, form: str) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret\n")
    with pytest.raises(MessageInvalid, match="a request may only name a bucket's files"):
        start(ports, source=form.format(secret))
    assert ports.batches.find() == []


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"source": "memory://b/none.csv"}, "memory://b/none.csv: no such file"),
        ({"source": "memory://b/a.csv", "select": {"x": "n"}}, "memory://b/a.csv:2: no 'n' in"),
        ({}, "flow 'echo' has no source of its own: send `records` or `source`"),
    ],
)
def test_a_source_that_cannot_be_read_starts_nothing(
    ports: Ports, fields: dict[str, Any], problem: str
) -> None:
    with pytest.raises(MessageInvalid, match=problem):
        start(ports, **fields)
    assert ports.batches.find() == []


def test_records_in_the_message_need_no_source(ports: Ports) -> None:
    batch = start(ports, records=[1, {"id": 2}])
    assert records_of(ports, batch) == [1, {"id": 2}]
    assert batch.source.name == "the message's records"


def test_a_flow_that_was_registered_as_data_is_started_by_its_name(ports: Ports) -> None:
    nodes = [{"id": "a", "function": "fanfold:pass"}]
    said = {"title": "Passed on", "definition": {"blueprint": 1, "name": "x", "nodes": nodes}}
    said["input_schema"] = {"type": "integer"}
    ann = Principal("ann")
    it = register(ports, Library(), lambda _: True, ann, "request", said)
    batch = start(ports, flow=it.name, records=[1, 2])
    assert batch.flow.place == it.place
    work(ports)
    assert [result.output for result in results_of(ports, batch)] == [1, 2]
    with pytest.raises(MessageInvalid, match="is not of type"):
        start(ports, flow=it.name, records=[1, "x"], request_id="another")
    again = register(ports, Library(), lambda _: True, ann, "request", said)
    assert again == it
    with pytest.raises(RequestReused):
        register(ports, Library(), lambda _: True, ann, "request", {**said, "input_schema": {}})


def results_of(ports: Ports, batch: Batch) -> list[Result]:
    ended = ports.batches.get(batch.id)
    return list(stream_results(ports.runs, ports.batches, ports.blobs, ended))
