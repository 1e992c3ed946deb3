from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from fanfold import Result
from fanfold.domain.run import RunState
from fanfold.folds.exports.chunks import chunks_of
from fanfold.folds.exports.folder import DiskFolder
from fanfold.folds.exports.format import Format, JsonLines
from fanfold.folds.exports.shards import MANIFEST, Shards, write_shards
from fanfold.folds.exports.table import Table


def results(count: int, **more: Any) -> Iterator[Result]:
    for index in range(count):
        text = json.dumps(f"line\n{index}")
        yield Result(index, f"k{index}", RunState.SUCCEEDED, text=text, **more)


def exported(path: Path, count: int, form: Format | None = None, **options: Any) -> Shards:
    form = form or JsonLines()
    return write_shards(DiskFolder(path), results(count), form, batch_id="batch-a", **options)


def manifest(path: Path) -> Any:
    return json.loads((path / MANIFEST).read_text())


def test_each_part_has_so_many_records_and_the_manifest_names_them_all(tmp_path: Path) -> None:
    exported(tmp_path, 7, records=3)

    names = ["part-00000.jsonl", "part-00001.jsonl", "part-00002.jsonl"]
    assert sorted(it.name for it in tmp_path.iterdir()) == [MANIFEST, *names]
    files = {name: (tmp_path / name).read_bytes() for name in names}
    assert manifest(tmp_path) == {
        "batch_id": "batch-a",
        "format": "jsonl",
        "records": 7,
        "files": [
            {
                "name": name,
                "records": files[name].count(b"\n"),
                "bytes": len(files[name]),
                "sha256": sha256(files[name]).hexdigest(),
                "first_index": first,
            }
            for name, first in zip(names, (0, 3, 6), strict=True)
        ],
    }


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("records", [1, 3, 7, 8])
def test_all_parts_together_are_the_whole(tmp_path: Path, records: int, packed: bool) -> None:
    whole = b"".join(chunks_of(results(7), JsonLines(), None, lambda _: None))
    shards = exported(tmp_path, 7, records=records, gzip=packed)

    parts = [(tmp_path / it.name).read_bytes() for it in shards.parts]
    assert b"".join(gzip.decompress(it) if packed else it for it in parts) == whole
    assert {it.name.endswith(".jsonl.gz") for it in shards.parts} == {packed}


def test_each_part_of_a_table_has_the_head(tmp_path: Path) -> None:
    every = results(3, parameters={"p": 1})
    shards = write_shards(DiskFolder(tmp_path), every, Table(), batch_id=None, records=2)

    texts = [(tmp_path / it.name).read_text() for it in shards.parts]
    parts = [list(csv.DictReader(text.splitlines())) for text in texts]
    assert [[it["index"] for it in part] for part in parts] == [["0", "1"], ["2"]]
    assert {it["parameters"] for part in parts for it in part} == {'{"p": 1}'}


def test_exporting_again_leaves_nothing_of_the_older_export(tmp_path: Path) -> None:
    exported(tmp_path, 7, records=2)
    (tmp_path / "notes.txt").write_text("mine")

    shards = exported(tmp_path, 3, Table(), records=2, gzip=True)

    assert shards.removed == tuple(f"part-0000{n}.jsonl" for n in range(4))
    assert sorted(it.name for it in tmp_path.iterdir()) == [
        MANIFEST,
        "notes.txt",
        "part-00000.csv.gz",
        "part-00001.csv.gz",
    ]
    assert [it["name"] for it in manifest(tmp_path)["files"]] == [it.name for it in shards.parts]


def test_an_export_of_nothing_is_a_manifest_of_nothing(tmp_path: Path) -> None:
    exported(tmp_path / "new", 0)
    assert manifest(tmp_path / "new")["files"] == []


def test_an_export_that_broke_off_has_no_manifest_and_only_whole_parts(tmp_path: Path) -> None:
    exported(tmp_path, 7, records=2)

    def broken() -> Iterator[Result]:
        yield from results(3)
        raise RuntimeError("the store is gone")

    with pytest.raises(RuntimeError):
        write_shards(DiskFolder(tmp_path), broken(), JsonLines(), batch_id=None, records=2)

    assert not (tmp_path / MANIFEST).exists()
    for path in tmp_path.iterdir():
        assert 1 <= path.read_bytes().count(b"\n") <= 2
    exported(tmp_path, 7, records=2)
    assert manifest(tmp_path)["records"] == 7


def test_parts_are_written_as_they_come(tmp_path: Path) -> None:
    seen: list[int] = []

    def watched() -> Iterator[Result]:
        for result in results(6):
            seen.append(len(list(tmp_path.glob("part-*"))))
            yield result

    write_shards(DiskFolder(tmp_path), watched(), JsonLines(), batch_id=None, records=2)
    assert seen == [0, 0, 1, 1, 2, 2]
