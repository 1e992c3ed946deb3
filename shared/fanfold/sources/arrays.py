"""One JSON array in a file of any size: each of its items is a record.

The array may be inside a larger document, where a JSON pointer (RFC 6901) says. What lies before it
and behind it is passed over, as far as needed to see that the document is whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from fanfold.domain.records import MAX_RECORD_BYTES
from fanfold.errors import SourceInvalid
from fanfold.sources.json_window import TooLarge, Window
from fanfold.sources.line import Line, OnProblem, check_size, field_key, parse, refuse, too_large

#: A line end in JSON text is never inside a string: with the blanks around it, it says nothing.
_BREAK = re.compile(r"[ \t]*[\r\n][ \t\r\n]*")
_INDEX = re.compile(r"0|[1-9][0-9]*", re.ASCII)
_KINDS = {"{": "an object", '"': "a string", "": "nothing"}


def read_array(
    chunks: Iterable[bytes],
    *,
    name: str,
    key_field: str = "id",
    pointer: str = "",
    on_problem: OnProblem = refuse,
) -> Iterator[Line]:
    """The items of the array at `pointer`; the whole document, if that is empty.

    Where the document itself is broken nothing behind it can be read: that is always raised.
    """
    window = Window(chunks, name)
    still_open = _descend(window, pointer)
    if not window.takes("["):
        raise _no_array(window, pointer, name)
    yield from _items(window, name, key_field, on_problem)
    window.leave(still_open)
    if window.peek():
        raise window.wrong("there is more behind the end of the document")


def _items(window: Window, name: str, key_field: str, on_problem: OnProblem) -> Iterator[Line]:
    index = 0
    if window.takes("]"):
        return
    while True:
        place = f"{name}: item {index}"
        window.peek()
        line = window.line
        try:
            text = window.value()
        except TooLarge:
            on_problem(SourceInvalid(f"{place}: {too_large(MAX_RECORD_BYTES, exact=False)}"))
            window.skip()
        except SourceInvalid as problem:
            raise SourceInvalid(f"{problem} It is in item {index}.") from None
        else:
            record = _record(text, place, line, key_field, on_problem)
            if record is not None:
                yield record
        if window.takes("]"):
            return
        if not window.takes(","):
            raise window.wrong(f"a comma or ] is missing behind item {index}")
        index += 1


def _record(text: str, place: str, line: int, key_field: str, on_problem: OnProblem) -> Line | None:
    body = _BREAK.sub("", text) if "\n" in text or "\r" in text else text
    try:
        check_size(body)
        data = parse(body)
        return Line(field_key(data, key_field), body, 0, 0, data, place)
    except ValueError as error:
        on_problem(SourceInvalid(f"{place} (line {line}): {error}."))
        return None


def _descend(window: Window, pointer: str) -> list[str]:
    """To the value that the pointer names; what is open around it, the innermost last."""
    still_open: list[str] = []
    seen = ""
    for part in pointer.split("/")[1:]:
        seen += f"/{part}"
        wanted = part.replace("~1", "/").replace("~0", "~")
        if window.takes("{"):
            found = _to_field(window, wanted)
            still_open.append("}")
        elif _INDEX.fullmatch(wanted) and window.takes("["):
            found = _to_item(window, int(wanted))
            still_open.append("]")
        else:
            found = False
        if not found:
            raise SourceInvalid(f"{window.place}: there is no {seen} in it. Look at --pointer.")
    return still_open


def _to_field(window: Window, wanted: str) -> bool:
    while window.peek() == '"':
        name = parse(window.value())
        if not window.takes(":"):
            raise window.wrong("a colon is missing behind a name")
        if name == wanted:
            return True
        window.skip()
        if not window.takes(","):
            break
    return False


def _to_item(window: Window, wanted: int) -> bool:
    for _ in range(wanted):
        if window.peek() == "]":
            return False
        window.skip()
        if not window.takes(","):
            return False
    return window.peek() != "]"


def _no_array(window: Window, pointer: str, name: str) -> SourceInvalid:
    first = window.peek()
    if not first and not pointer:
        return SourceInvalid(f"{name}: it is empty. Write a JSON array.")
    kind = _KINDS.get(first, "a single value")
    where = f" at {pointer}" if pointer else ""
    return SourceInvalid(
        f"{window.place}: no array{where}, but {kind}. Say with --pointer where the array of "
        "records is, such as --pointer /data/items."
    )
