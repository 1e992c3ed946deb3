"""Results as Parquet, read back by the library itself."""

from __future__ import annotations

import io
import json
import sys
import tracemalloc
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fanfold import Result
from fanfold.domain.run import RunState
from fanfold.errors import OptionInvalid
from fanfold.folds.exports import parquet
from fanfold.folds.exports.chunks import chunks_of
from fanfold.folds.exports.folder import DiskFolder
from fanfold.folds.exports.parquet import ParquetTable
from fanfold.folds.exports.shards import write_shards
from fanfold.folds.exports.table import columns_from


def ok(index: int, output: Any, **more: Any) -> Result:
    return Result(index, f"k{index}", RunState.SUCCEEDED, text=json.dumps(output), **more)


def failed(index: int, message: str = "bad") -> Result:
    return Result(index, None, RunState.FAILED, error={"type": "ValueError", "message": message})


def outputs(*given: Any) -> list[Result]:
    return [ok(index, output) for index, output in enumerate(given)]


def bytes_of(results: Iterable[Result | None], form: ParquetTable | None = None) -> bytes:
    return b"".join(chunks_of(results, form or ParquetTable(), None, lambda _: None))


def table_of(results: Iterable[Result | None], form: ParquetTable | None = None) -> Any:
    return pq.read_table(io.BytesIO(bytes_of(results, form)))


def rows_of(results: Iterable[Result | None], form: ParquetTable | None = None) -> list[Any]:
    rows: list[Any] = table_of(results, form).to_pylist()
    return rows


@pytest.fixture
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two results in each row group."""
    monkeypatch.setattr(parquet, "_RESULTS", 2)


# ---------------------------------------------------------------------- columns


def test_flat_objects_have_a_column_for_each_field() -> None:
    table = table_of([*outputs({"label": "a", "n": 1}, {"n": 2.5, "ok": True}), failed(2)])

    assert table.schema.types == [
        pa.int64(), pa.string(), pa.string(),
        pa.string(), pa.float64(), pa.bool_(), pa.string(),
        pa.string(), pa.string(),
    ]  # fmt: skip
    assert table.to_pylist()[1:] == [
        {"index": 1, "key": "k1", "status": "succeeded", "label": None, "n": 2.5, "ok": True,
         "rest": None, "error_type": None, "error_message": None},
        {"index": 2, "key": None, "status": "failed", "label": None, "n": None, "ok": None,
         "rest": None, "error_type": "ValueError", "error_message": "bad"},
    ]  # fmt: skip


@pytest.mark.parametrize("other", [7, "text", [1], {"a": {"b": 1}}, {"a": [1]}])
def test_outputs_of_any_other_kind_are_json_text(other: Any) -> None:
    rows = rows_of(outputs({"a": 1}, other))
    assert [json.loads(it["output"]) for it in rows] == [{"a": 1}, other]
    assert "rest" not in rows[0]


@pytest.mark.parametrize("results", [[], [failed(0)], outputs(None), outputs({}, {"a": None})])
def test_where_no_field_is_seen_outputs_are_json_text(results: list[Result]) -> None:
    table = table_of(results)
    assert table.schema.names == [
        "index", "key", "status", "output", "error_type", "error_message"
    ]  # fmt: skip
    assert table.num_rows == len(results)


def test_a_name_that_is_taken_is_told_apart() -> None:
    (row,) = rows_of(outputs({"status": "new", "rest": 1, "n": 2}))
    assert (row["status"], row["output.status"], row["output.rest"]) == ("succeeded", "new", 1)


def test_names_that_cannot_be_told_apart_make_outputs_json_text() -> None:
    (row,) = rows_of(outputs({"status": 1, "output.status": 2}))
    assert json.loads(row["output"]) == {"status": 1, "output.status": 2}


@pytest.mark.usefixtures("small_groups")
def test_what_comes_later_and_does_not_fit_is_in_rest() -> None:
    first = [{"n": 1, "t": "a", "f": 0.5, "b": True}, {"n": None}]
    later = [
        {"n": "x", "t": "b", "more": [1]},
        {"n": 2**70, "f": 2, "b": 1},
        {"f": 2**60, "t": "\ud800"},
        [1, 2],
        {"n": True, "t": {"u": 1}, "absent": None},
        None,
    ]
    rows = rows_of(outputs(*first, *later))[2:]

    assert [it["rest"] and json.loads(it["rest"]) for it in rows] == [
        {"n": "x", "more": [1]},
        {"n": 2**70, "b": 1},
        {"f": 2**60, "t": "\ud800"},
        [1, 2],
        {"n": True, "t": {"u": 1}},
        None,
    ]
    assert rows[0]["t"] == "b"
    assert rows[1]["f"] == 2.0


def test_fields_of_the_output_may_be_chosen_and_named() -> None:
    form = ParquetTable(columns_from("label,score=details.score,all=.,none"))
    rows = rows_of(outputs({"label": "a", "details": {"score": 3}}, 7), form)

    assert [it["label"] for it in rows] == ["a", None]
    assert [it["score"] for it in rows] == [3, None]
    assert json.loads(rows[0]["all"]) == {"label": "a", "details": {"score": 3}}
    assert [it["none"] for it in rows] == [None, None]
    assert json.loads(rows[1]["rest"]) == {"all": 7}


def test_a_chosen_name_may_not_be_rest() -> None:
    with pytest.raises(OptionInvalid, match="'rest' is in every Parquet"):
        ParquetTable(columns_from("rest"))


def test_parameters_are_json_text() -> None:
    rows = rows_of([ok(0, 1, parameters={"model": "small"}), ok(1, 2, parameters={"model": 3})])
    assert [json.loads(it["parameters"]) for it in rows] == [{"model": "small"}, {"model": 3}]
    assert "parameters" in table_of([], ParquetTable(has_parameters=True)).schema.names


def test_half_a_surrogate_pair_stops_nothing() -> None:
    whole = Result(0, "k", RunState.SUCCEEDED, text='"\ud800"')
    rows = rows_of([whole, failed(1, "bad \ud800")])
    assert json.loads(rows[0]["output"]) == "\ud800"
    assert rows[1]["error_message"] == "bad \\ud800"


_SCALARS = (
    st.none() | st.booleans() | st.integers() | st.text()
    | st.floats(allow_nan=False, allow_infinity=False)
)  # fmt: skip
_FLAT = st.dictionaries(st.text(max_size=3) | st.sampled_from(["key", "a"]), _SCALARS, max_size=4)


@settings(max_examples=50)
@given(st.lists(_FLAT | _SCALARS | st.lists(_SCALARS, max_size=2)))
def test_nothing_is_lost_but_whether_a_field_was_null_or_absent(given: list[Any]) -> None:
    form = ParquetTable()
    rows = rows_of(outputs(*given), form)
    for output, row in zip(given, rows, strict=True):
        if "output" in row:
            assert json.loads(row["output"]) == output
        else:
            _assert_same(output, row)


def _assert_same(output: Any, row: dict[str, Any]) -> None:
    rest = None if row["rest"] is None else json.loads(row["rest"])
    if not isinstance(output, dict):
        assert rest == output
        return
    fixed = {"index", "key", "status", "rest", "error_type", "error_message"}
    back = {
        name.removeprefix("output."): value
        for name, value in row.items()
        if name not in fixed and value is not None
    }
    assert back | (rest or {}) == {k: v for k, v in output.items() if v is not None}


# ------------------------------------------------------------------------- files


@pytest.mark.usefixtures("small_groups")
def test_row_groups_are_handed_on_as_they_are_full() -> None:
    told: list[int] = []
    chunks = chunks_of(outputs(1, 2, 3, 4, 5), ParquetTable(), None, told.append)
    assert next(chunks).startswith(b"PAR1")
    next(chunks)
    assert told == [2]
    assert list(chunks)[-1].endswith(b"PAR1")
    assert told == [2, 2, 1]


def test_nobody_waits_for_what_is_to_come() -> None:
    assert len(rows_of([None, ok(0, 1), None, ok(1, 2)])) == 2


@pytest.mark.usefixtures("small_groups")
def test_the_same_results_make_the_same_file() -> None:
    given = outputs(*({"n": n} for n in range(5)))
    assert bytes_of(given) == bytes_of(given)


@pytest.mark.usefixtures("small_groups")
def test_all_files_of_a_folder_have_the_same_columns(tmp_path: Path) -> None:
    given = outputs({"n": 1}, {"n": 2}, {"m": 3}, {"n": "x"}, {"n": 5})
    shards = write_shards(DiskFolder(tmp_path), given, ParquetTable(), batch_id="b", records=2)

    assert [it.name for it in shards.parts] == [f"part-0000{n}.parquet" for n in range(3)]
    tables = [pq.read_table(tmp_path / it.name) for it in shards.parts]
    assert len({str(it.schema) for it in tables}) == 1
    assert pa.concat_tables(tables)["n"].to_pylist() == [1, 2, None, None, 5]
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert (manifest["format"], manifest["records"]) == ("parquet", 5)


def test_memory_does_not_grow_with_the_results(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "_RESULTS", 1000)

    def most(count: int) -> int:
        results = (ok(n, {"n": n, "t": "x" * 50}) for n in range(count))
        tracemalloc.start()
        try:
            for _ in chunks_of(results, ParquetTable(), None, lambda _: None):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    most(1000)
    assert most(20_000) < 1.3 * most(5000)


def test_without_the_library_it_is_said_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(OptionInvalid, match=r"pip install 'fanfold\[parquet\]'"):
        ParquetTable()
