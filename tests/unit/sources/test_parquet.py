"""Parquet: each row is a record, each value as JSON has it."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fanfold.domain.source_format import SourceFormat
from fanfold.errors import SourceInvalid
from fanfold.sources.file import LocalFile
from fanfold.sources.open import open_source
from fanfold.sources.parquet import read_parquet


def written(folder: Path, table: Any, name: str = "t.parquet", **more: Any) -> str:
    path = folder / name
    pq.write_table(table if isinstance(table, pa.Table) else pa.table(table), path, **more)
    return str(path)


def read(path: str, **given: Any) -> list[Any]:
    return [line.data for line in open_source([path], SourceFormat(**given)).lines()]


def value_of(folder: Path, *values: Any, **typed: Any) -> Any:
    """The first value, as it is read back."""
    return read(written(folder, {"v": pa.array(values, **typed)}))[0]["v"]


# ------------------------------------------------------------------------ values


def test_a_row_is_a_record_with_its_key(tmp_path: Path) -> None:
    path = written(tmp_path, {"id": [7, 8], "text": ["a", None], "ok": [True, False]})
    lines = list(open_source([path]).lines())

    assert [it.key for it in lines] == ["7", "8"]
    assert lines[0].data == {"id": 7, "text": "a", "ok": True}
    assert lines[1].body == '{"id": 8, "text": null, "ok": false}'
    assert lines[1].place == f"{path}: row 1"


BERLIN = pa.timestamp("ns", tz="Europe/Berlin")


@pytest.mark.parametrize(
    ("value", "type_", "as_json"),
    [
        (datetime(2024, 2, 29, 1, 2, 3, 4, UTC), pa.timestamp("us"), "2024-02-29T01:02:03.000004"),
        (datetime(2024, 2, 29, 1, 2, 3, tzinfo=UTC), BERLIN, "2024-02-29T01:02:03+00:00"),
        (1_700_000_000_000_000_123, pa.timestamp("ns"), "2023-11-14T22:13:20"),
        (date(2024, 2, 29), pa.date32(), "2024-02-29"),
        (date(2024, 2, 29), pa.date64(), "2024-02-29"),
        (time(1, 2, 3), pa.time32("ms"), "01:02:03"),
        (time(1, 2, 3, 4), pa.time64("ns"), "01:02:03.000004"),
        (timedelta(seconds=90, microseconds=5), pa.duration("ns"), 90.000005),
        (Decimal("1.50"), pa.decimal128(10, 2), "1.50"),
        (Decimal("0E-8"), pa.decimal256(40, 8), "0.00000000"),
        (b"\x00\xff", pa.binary(), "AP8="),
        (b"ab", pa.binary(2), "YWI="),
        (b"ab", pa.large_binary(), "YWI="),
        ([1, None], pa.list_(pa.int8()), [1, None]),
        ([1, 2], pa.list_(pa.int64(), 2), [1, 2]),
        ([date(2024, 1, 1)], pa.large_list(pa.date32()), ["2024-01-01"]),
        ({"a": [{"b": None}]}, None, {"a": [{"b": None}]}),
        ([("x", date(2024, 1, 1))], pa.map_(pa.string(), pa.date64()), {"x": "2024-01-01"}),
        ([datetime(2024, 1, 1, tzinfo=UTC)], pa.list_(pa.timestamp("ns", tz="UTC")),
         ["2024-01-01T00:00:00+00:00"]),
        ([(1, "a")], pa.map_(pa.int64(), pa.string()), [{"key": 1, "value": "a"}]),
        (2**64 - 1, pa.uint64(), 2**64 - 1),
        (1.5, pa.float16(), 1.5),
        (None, pa.null(), None),
        ("ä", pa.large_string(), "ä"),
        ("ä", pa.dictionary(pa.int8(), pa.string()), "ä"),
    ],
    ids=str,
)  # fmt: skip
def test_each_type_has_its_json(tmp_path: Path, value: Any, type_: Any, as_json: Any) -> None:
    assert value_of(tmp_path, value, type=type_) == as_json
    assert value_of(tmp_path, None, value, type=type_) is None


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_json_has_not_is_refused_by_file_row_and_column(
    tmp_path: Path, value: float
) -> None:
    path = written(tmp_path, {"id": [1, 2], "score": [0.5, value]})
    with pytest.raises(SourceInvalid, match=rf"t\.parquet: row 1: column 'score' has {value}"):
        read(path)


def test_a_bad_row_does_not_hide_those_behind_it(tmp_path: Path) -> None:
    file = LocalFile(Path(written(tmp_path, {"n": [1.0, float("nan"), 3.0]})), "t.parquet")
    told: list[SourceInvalid] = []

    assert [line.data["n"] for line in read_parquet(file, on_problem=told.append)] == [1.0, 3.0]
    assert len(told) == 1


# ------------------------------------------------------------------------- files


def test_rows_of_all_row_groups_come_in_order_and_are_counted_through(tmp_path: Path) -> None:
    path = written(tmp_path, {"n": range(2500)}, row_group_size=700)
    lines = list(open_source([path]).lines())

    assert [it.data["n"] for it in lines] == list(range(2500))
    assert lines[-1].place.endswith("row 2499")


def test_a_table_without_rows_has_no_records(tmp_path: Path) -> None:
    assert read(written(tmp_path, {"n": pa.array([], pa.int64())})) == []


def test_a_folder_may_hold_other_kinds_too(tmp_path: Path) -> None:
    written(tmp_path, {"n": [2]}, "b.parquet")
    (tmp_path / "a.jsonl").write_text('{"n": 1}\n')
    assert read(f"{tmp_path}/") == [{"n": 1}, {"n": 2}]
    assert read(f"{tmp_path}/*.parquet") == [{"n": 2}]


def test_a_file_of_another_name_is_read_when_it_is_said_what_it_is(tmp_path: Path) -> None:
    path = written(tmp_path, {"n": [1]}, "data")
    assert read(path, format="parquet") == [{"n": 1}]
    with pytest.raises(SourceInvalid, match=r"name it \.parquet, or say --format parquet"):
        read(path)


def test_what_is_behind_an_address_is_read_in_place(tmp_path: Path, memory: Any) -> None:
    memory.pipe("/b/t.parquet", Path(written(tmp_path, {"n": range(10)})).read_bytes())
    opened = open_source(["memory://b/"], outside=True)
    assert [line.data["n"] for line in opened.lines()] == list(range(10))


def test_a_file_that_changes_meanwhile_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, {"n": range(5)})
    lines = open_source([path]).lines()
    next(lines)
    with Path(path).open("ab") as file:
        file.write(b"more")
    with pytest.raises(SourceInvalid, match="it changed while it was read"):
        list(lines)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no parquet at all, but long enough"])
def test_what_is_no_parquet_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t.parquet"
    path.write_bytes(content)
    with pytest.raises(SourceInvalid, match=r"t\.parquet: from row 0 on it is no Parquet") as told:
        read(str(path))
    assert "\n" not in str(told.value)


def test_a_damaged_file_is_refused_with_how_far_it_was_read(tmp_path: Path) -> None:
    path = Path(written(tmp_path, {"t": [f"{n:0500}" for n in range(3000)]}, row_group_size=1000))
    content = bytearray(path.read_bytes())
    group = pq.ParquetFile(path).metadata.row_group(1).column(0)
    start = group.dictionary_page_offset or group.data_page_offset
    content[start : start + 200] = b"\xff" * 200
    path.write_bytes(content)

    with pytest.raises(SourceInvalid, match="from row 1000 on it is no Parquet"):
        read(str(path))


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    with pytest.raises(SourceInvalid, match="columns 1 and 2 are both named 'a'"):
        read(written(tmp_path, table))


def test_without_the_library_it_is_said_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, {"n": [1]})
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(SourceInvalid, match=r"pip install 'fanfold\[parquet\]'"):
        open_source([path])


def test_the_library_is_loaded_by_nobody_else() -> None:
    program = (
        "import sys, fanfold.cli.output_file, fanfold.sources.open; print('pyarrow' in sys.modules)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert shown.stdout == "False\n"


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    def most(rows: int) -> int:
        path = written(tmp_path, {"n": range(rows), "t": ["x" * 50] * rows}, row_group_size=2000)
        tracemalloc.start()
        try:
            for _ in open_source([path]).lines():
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    most(1000)
    assert most(40_000) < 1.3 * most(10_000)
