"""Any text as a cell of CSV, harmless to a spreadsheet, and back, exactly.

A spreadsheet runs what looks like a formula, and hides a leading apostrophe. So:

| a text                                                   | is written as                      |
|----------------------------------------------------------|------------------------------------|
| that is a number                                         | itself                             |
| that begins with = + - @, their full-width forms, a tab, | an apostrophe and the text         |
| a line end or an apostrophe                              |                                    |
| that CSV cannot hold: with NUL or half a surrogate pair  | an apostrophe and its JSON string  |
| any other                                                | itself                             |

Back: a cell that begins with an apostrophe and a quote is JSON from the quote on; one that begins
with an apostrophe is the text behind it; any other is the text.
"""

from __future__ import annotations

import json
import re

GUARD = "'"
_FULL_WIDTH = (
    "\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}"
    "\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}"
)
_DANGEROUS = frozenset(f"=+-@\t\r\n{GUARD}{_FULL_WIDTH}")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_NOT_FOR_CSV = re.compile("[\0\ud800-\udfff]")


def cell_of(text: str) -> str:
    if _NOT_FOR_CSV.search(text):
        return GUARD + json.dumps(text)
    if text[:1] in _DANGEROUS and not _NUMBER.fullmatch(text):
        return GUARD + text
    return text


def cell_of_optional(text: str | None) -> str:
    """Where there may be none: that is the empty cell, and an empty text is a JSON string."""
    if text is None:
        return ""
    return cell_of(text) if text else GUARD + json.dumps(text)


def text_of(cell: str) -> str:
    if not cell.startswith(GUARD):
        return cell
    text = cell[1:]
    return str(json.loads(text)) if text.startswith('"') else text


def optional_text_of(cell: str) -> str | None:
    return text_of(cell) if cell else None
