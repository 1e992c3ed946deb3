"""What is exported comes back, whatever is in it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold import Result
from fanfold.domain.run import RunState
from fanfold.errors import SourceInvalid
from fanfold.folds import read_csv_export
from fanfold.folds.exports.chunks import chunks_of, gzipped
from fanfold.folds.exports.folder import DiskFolder
from fanfold.folds.exports.format import Format, JsonLines
from fanfold.folds.exports.shards import write_shards
from fanfold.folds.exports.table import Table, columns_from

#: All that text may be, and what goes wrong in tables more often than chance has it.
texts = st.text(st.characters(exclude_categories=())) | st.text(
    st.sampled_from("=+-@'\"\t\r\n\0\ud800,;0.a\\")
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@st.composite
def exports(draw: st.DrawFn) -> list[Result]:
    has_parameters = draw(st.booleans())
    results = []
    for index in range(draw(st.integers(0, 6))):
        key = draw(st.none() | texts)
        own = draw(st.dictionaries(texts, values, max_size=2)) if has_parameters else None
        if draw(st.booleans()):
            escaped = draw(st.booleans())
            text = json.dumps(draw(values), ensure_ascii=escaped)
            results.append(Result(index, key, RunState.SUCCEEDED, text=text, parameters=own))
        else:
            error = draw(st.none() | st.fixed_dictionaries({"type": texts, "message": texts}))
            results.append(Result(index, key, RunState.FAILED, error=error, parameters=own))
    return results


def bytes_of(results: Sequence[Result], form: Format) -> bytes:
    first = results[0] if results else None
    return b"".join(chunks_of(results, form, first, lambda _: None))


def told(results: Sequence[Result]) -> list[Any]:
    """What each line says, compared as JSON: 1 and true and 1.0 are three things."""
    return [json.dumps(json.loads(it.line()), sort_keys=True) for it in results]


def read(path: Path) -> list[str]:
    return [json.dumps(it, sort_keys=True) for it in read_csv_export(path)]


@given(exports(), st.booleans())
def test_any_results_come_back_exactly_from_a_table(results: list[Result], packed: bool) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "results.csv.gz" if packed else "results.csv")
        chunks = bytes_of(results, Table())
        path.write_bytes(b"".join(gzipped([chunks])) if packed else chunks)
        assert read(path) == told(results)


@given(exports())
def test_any_results_come_back_exactly_from_lines(results: list[Result]) -> None:
    lines = bytes_of(results, JsonLines()).decode(errors="surrogatepass").split("\n")[:-1]
    assert [json.dumps(json.loads(it), sort_keys=True) for it in lines] == told(results)


@given(exports(), st.integers(1, 4), st.booleans())
def test_parts_read_one_after_the_other_are_the_whole(
    results: list[Result], records: int, packed: bool
) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        shards = write_shards(
            DiskFolder(folder), results, Table(), batch_id=None, records=records, gzip=packed
        )
        parts = [read(folder / it.name) for it in shards.parts]
        assert [row for part in parts for row in part] == told(results)
        assert [len(part) for part in parts] == [it.records for it in shards.parts]


@given(texts, texts)
def test_a_column_of_its_own_gives_its_text_back(label: str, name: str) -> None:
    name = "".join(it for it in name if it not in ",=").strip() or "label"
    table = Table(columns_from(f"{name}x=label"))
    output = {"label": label}
    result = Result(0, None, RunState.SUCCEEDED, text=json.dumps(output))
    with TemporaryDirectory() as folder:
        path = Path(folder, "results.csv")
        path.write_bytes(bytes_of([result], table))
        (row,) = read_csv_export(path)
    assert row["output"] == {f"{name}x": label}


def test_an_output_larger_than_any_cell_that_python_reads_unasked_comes_back(
    tmp_path: Path,
) -> None:
    text = json.dumps("x" * 1_000_000)
    (tmp_path / "r.csv").write_bytes(
        bytes_of([Result(0, None, RunState.SUCCEEDED, text=text)], Table())
    )
    (row,) = read_csv_export(tmp_path / "r.csv")
    assert len(row["output"]) == 1_000_000


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no export"),
        (b"a,b\r\n1,2\r\n", "is no export"),
        (b"index,key,status,output,error_type,error_message\r\n1,k\r\n", r":2: 2 cells, not 6"),
    ],
)
def test_what_is_no_export_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "x.csv.gz"
    path.write_bytes(gzip.compress(content))
    with pytest.raises(SourceInvalid, match=said):
        list(read_csv_export(path))
