"""Lines of text: each is a record, a string.

A line of nothing but white space is no record; any other is taken as it is, without its line end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fanfold.errors import SourceInvalid
from fanfold.sources.line import Line, OnProblem, body_of, refuse, too_large
from fanfold.sources.raw_lines import BOM, MAX_LINE_BYTES, decoded, raw_lines


def read_texts(
    chunks: Iterable[bytes], *, name: str, on_problem: OnProblem = refuse
) -> Iterator[Line]:
    for number, raw in enumerate(raw_lines(chunks), 1):
        try:
            text = _text_of(raw.removeprefix(BOM) if number == 1 else raw, number, name)
            line = _line_of(text, number, name) if text.strip() else None
        except SourceInvalid as problem:
            on_problem(problem)
            continue
        if line is not None:
            yield line


def _text_of(raw: bytes, number: int, name: str) -> str:
    if len(raw) > MAX_LINE_BYTES:
        raise SourceInvalid(f"{name}:{number}: {too_large(len(raw), exact=False)}")
    text = decoded(raw, f"{name}:{number}", "Save it as UTF-8.", first=number == 1)
    return text.removesuffix("\n").removesuffix("\r")


def _line_of(text: str, number: int, name: str) -> Line:
    try:
        return Line(None, body_of(text), number, 0, text, name)
    except ValueError as error:
        raise SourceInvalid(f"{name}:{number}: {error}.") from None
