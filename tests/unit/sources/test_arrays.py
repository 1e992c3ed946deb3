from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.domain.records import MAX_RECORD_BYTES
from fanfold.errors import SourceInvalid
from fanfold.sources.arrays import read_array
from fanfold.sources.line import MAX_DEPTH, Line

texts = st.text(st.characters(exclude_categories=()), max_size=6)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=8,
)  # fmt: skip
indents = st.sampled_from([None, 0, 2])
sizes = st.integers(1, 40)


def read(*chunks: bytes, **more: Any) -> list[Line]:
    return list(read_array(chunks, name="data.json", **more))


def data(*chunks: bytes, **more: Any) -> list[Any]:
    return [line.data for line in read(*chunks, **more)]


def refusal(*chunks: bytes, **more: Any) -> str:
    with pytest.raises(SourceInvalid) as refused:
        read(*chunks, **more)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def cut(source: bytes, size: int) -> list[bytes]:
    return [source[start : start + size] for start in range(0, len(source), size)]


def written(value: Any, indent: int | None, ascii_only: bool = True) -> bytes:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    try:
        return text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, indent=indent).encode()


# -------------------------------------------------------------------- reading


def test_each_item_is_a_record_with_its_place() -> None:
    first, second = read(b' [ {"id": "a", "n": [1, 2]} , 7 ]\n')
    assert (first.key, first.body, first.place) == (
        "a",
        '{"id": "a", "n": [1, 2]}',
        "data.json: item 0",
    )
    assert (second.key, second.body, second.place) == (None, "7", "data.json: item 1")


@given(st.lists(values, max_size=6), indents, sizes, st.booleans())
def test_every_item_arrives_however_the_bytes_are_cut(
    items: list[Any], indent: int | None, size: int, ascii_only: bool
) -> None:
    assert data(*cut(written(items, indent, ascii_only), size)) == items


@given(st.lists(values, max_size=4), values, values, texts, indents, sizes)
def test_an_array_is_found_in_a_larger_document_however_the_bytes_are_cut(
    items: list[Any], before: Any, behind: Any, name: str, indent: int | None, size: int
) -> None:
    document = {"before": [before, {"a": before}], f"x{name}": [0, before, items], "z": behind}
    pointer = "/x" + name.replace("~", "~0").replace("/", "~1") + "/2"
    assert data(*cut(written(document, indent), size), pointer=pointer) == items


@given(st.lists(values, min_size=1, max_size=4), sizes, st.data())
def test_a_document_that_is_cut_off_is_never_taken_for_whole(
    items: list[Any], size: int, draw: st.DataObject
) -> None:
    source = written({"a": items, "b": {"c": "d"}}, None)
    end = draw.draw(st.integers(1, len(source) - 1))
    assert refusal(*cut(source[:end], size), pointer="/a").startswith("data.json:1: ")


@pytest.mark.parametrize("end", ["1.", "-0.", "1e", "1.5e+"])
def test_a_number_that_is_cut_off_is_not_taken_for_what_there_is_of_it(end: str) -> None:
    for size in (1, 5, 100):
        source = b'{"a": [' + end.encode()
        assert refusal(*cut(source, size), pointer="/a").startswith("data.json:1: ")


@given(st.lists(values, min_size=1, max_size=4), indents)
def test_an_item_over_several_lines_is_copied_on_one(items: list[Any], indent: int | None) -> None:
    for line, item in zip(read(written(items, indent)), items, strict=True):
        assert "\n" not in line.body
        assert json.loads(line.body) == item


def test_numbers_are_kept_as_they_are_written() -> None:
    assert [it.body for it in read(b"[1.50,\n 1E5,\n -0]")] == ["1.50", "1E5", "-0"]


@pytest.mark.parametrize("source", [b"[]", b" [\n] \n", b"\xef\xbb\xbf[]"])
def test_an_empty_array_is_no_record(source: bytes) -> None:
    assert data(source) == []


def test_another_field_may_hold_the_key() -> None:
    assert [it.key for it in read(b'[{"id": 1, "url": "u"}]', key_field="url")] == ["u"]


def test_items_are_read_only_as_they_are_asked_for() -> None:
    def endless() -> Iterator[bytes]:
        yield b"[1"
        while True:
            yield b",2,3"

    lines = read_array(endless(), name="endless")
    assert [next(lines).data for _ in range(5)] == [1, 2, 3, 2, 3]


def test_what_lies_before_the_array_may_be_of_any_size() -> None:
    def document() -> Iterator[bytes]:
        yield b'{"log": ["'
        for _ in range(40):
            yield b"x" * 50_000
        yield b'\\"]"'
        for _ in range(2000):
            yield b', {"a": [1, "]}"]}'
        yield b'], "items": [1, 2]}'

    assert data(*document(), pointer="/items") == [1, 2]


# ------------------------------------------------------------------- pointers


@pytest.mark.parametrize(
    ("pointer", "found"),
    [
        ("/data/items", [1]),
        ("/a~1b", [2]),
        ("/a~0b", [3]),
        ("/rows/1", [5]),
        ("/", [6]),
        ("/é", [7]),
        ("/twice", [8]),
    ],
)
def test_a_pointer_names_the_array(pointer: str, found: list[int]) -> None:
    document = (
        '{"data": {"items": [1]}, "a/b": [2], "a~b": [3], "rows": [4, [5]], "": [6], '
        '"\\u00e9": [7], "twice": [8], "twice": [9]}'
    )
    assert data(document.encode(), pointer=pointer) == found


@pytest.mark.parametrize(
    ("pointer", "missing"),
    [("/date", "/date"), ("/data/rows", "/data/rows"), ("/list/2", "/list/2"),
     ("/list/01", "/list/01"), ("/list/-", "/list/-"), ("/n/a", "/n/a"), ("/none/0", "/none/0")],
)  # fmt: skip
def test_a_pointer_to_nothing_is_told(pointer: str, missing: str) -> None:
    document = b'{"data": {"items": []}, "list": [1, 2], "n": 1, "none": []}'
    assert f"there is no {missing} in it" in refusal(document, pointer=pointer)


@pytest.mark.parametrize(
    ("source", "pointer", "problem"),
    [
        (b'{"items": []}', "", "data.json:1: no array, but an object."),
        (b'{\n"items": {}}', "/items", "data.json:2: no array at /items, but an object."),
        (b'{"items": "x"}', "/items", "no array at /items, but a string."),
        (b"7", "", "no array, but a single value."),
        (b"", "", "data.json: it is empty."),
        (b" \n", "", "data.json: it is empty."),
    ],
)
def test_what_is_no_array_is_refused_with_what_to_do(
    source: bytes, pointer: str, problem: str
) -> None:
    message = refusal(source, pointer=pointer)
    assert problem in message
    assert "--pointer" in message or "Write a JSON array" in message


# ------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (b"[1,\n2 3]", "data.json:2: not JSON: a comma or ] is missing behind item 1."),
        (b"[1,\n]", "data.json:2: not JSON: Expecting value. It is in item 1."),
        (b'[1,\n{"a" 2}]', "data.json:2: not JSON: Expecting ':' delimiter. It is in item 1."),
        (b"[1", "data.json:1: not JSON: a comma or ] is missing behind item 0."),
        (b"[1]\n[2]", "data.json:2: not JSON: there is more behind the end of the document."),
        (b'[1, "\xff"]', "data.json:1: not UTF-8: byte 0xff"),
        (b'[1, NaN]', "data.json: item 1 (line 1): not JSON: NaN is no JSON value; write null."),
        (b"[" * 900 + b"]" * 900, "item 0 (line 1): nested deeper than 200 levels."),
        (b"[" * 200_000, "it is nested too deep"),
        (b"[" + b"7" * 5000 + b"]", "item 0 (line 1): a number in it has too many digits"),
        (b'[{"id": "' + b"x" * 1501 + b'"}]', "item 0 (line 1): the key in 'id' has 1,501 bytes"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(source: bytes, problem: str) -> None:
    assert problem in refusal(source)


def test_the_deepest_item_is_read() -> None:
    deep = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert len(data(b"[" + deep + b"]")) == 1


@pytest.mark.parametrize("size", [1000, 600_000])
def test_the_largest_item_is_read_and_a_larger_one_refused(size: int) -> None:
    largest = b'"' + b"x" * (MAX_RECORD_BYTES - 2) + b'"'
    assert len(read(*cut(b"[1, " + largest + b"]", size))[1].body) == MAX_RECORD_BYTES
    larger = b'"x' + largest[1:]
    message = refusal(*cut(b"[1, " + larger + b"]", size))
    assert message.startswith("data.json: item 1 (line 1): the record has 524,289 bytes; a record")


def test_the_limit_is_of_bytes_and_white_space_around_lines_is_free() -> None:
    wide = json.dumps(["é" * (MAX_RECORD_BYTES // 2)], ensure_ascii=False).encode()
    assert "the record has 524,290 bytes" in refusal(wide)
    indented = json.dumps([[1] * 50_000], indent=12).encode()
    assert len(indented) > MAX_RECORD_BYTES
    assert len(data(indented)[0]) == 50_000


def test_an_endless_item_is_not_read_to_its_end() -> None:
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        yield b'[1, "'
        while True:
            taken += 1000
            yield b"x" * 1000

    lines = read_array(endless(), name="endless")
    assert next(lines).data == 1
    with pytest.raises(SourceInvalid, match=r"^endless: item 1: the record has more than 524,288"):
        next(lines)
    assert taken < 5 * MAX_RECORD_BYTES


# ------------------------------------------------------------------- checking


def test_reading_goes_on_behind_a_bad_item_if_that_is_asked_for() -> None:
    told: list[str] = []
    huge = b'{"a": ["' + b"x" * 3 * MAX_RECORD_BYTES + b'"]}'
    source = b"[1, NaN, 2, " + huge + b", 3]"
    items = data(*cut(source, 1000), on_problem=lambda problem: told.append(str(problem)))
    assert items == [1, 2, 3]
    assert [it.split(":")[1].split(" (")[0] for it in told] == [" item 1", " item 3"]


# --------------------------------------------------------------------- memory


@pytest.mark.parametrize("pointer", ["/items", "/behind"])
def test_memory_does_not_grow_with_the_items(pointer: str) -> None:
    def document(count: int) -> Iterator[bytes]:
        yield b'{"items": [0'
        for _ in range(count):
            yield b', {"id": 7, "text": "some text"}' * 500
        yield b'], "behind": []}'

    def peak(count: int) -> int:
        tracemalloc.start()
        for _ in read_array(document(count), name="data.json", pointer=pointer):
            pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(2)
    assert peak(20) <= 1.5 * peak(2)
