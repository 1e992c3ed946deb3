"""A window on a JSON document that is too large to hold: it sees one value at a time.

The text before the window is forgotten, the text behind it not read yet. A value is read whole only
if it can be a record; what is larger can be skipped, whatever its size.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from json import JSONDecodeError, JSONDecoder

from fanfold.domain.records import MAX_RECORD_BYTES
from fanfold.errors import SourceInvalid
from fanfold.sources.raw_lines import binary_hint

#: A value may be longer than its record by the white space in it.
MAX_VALUE = 2 * MAX_RECORD_BYTES
_MAX_OPEN = 10_000

_BLANK = re.compile(r"[ \t\r\n]*")
_IN_STRING = re.compile(r'[^"\\]*')
_BETWEEN = re.compile(r'[^"\[\]{}]*')
_WORD = re.compile(r"[-+.0-9A-Za-z]*")
_CLOSERS = {"[": "]", "{": "}"}
#: Finds where a value ends. What it makes of the value is thrown away: so it need not be able to
#: hold its numbers, and takes NaN, which is refused where the record is parsed.
_DECODER = JSONDecoder(parse_int=str, parse_float=str)
#: The longest word of JSON whose end may be missing is `\\ud83d\\ude00`.
_LONGEST_WORD = 12


class TooLarge(SourceInvalid):
    """A value that is larger than a record may be."""


class Window:
    def __init__(self, chunks: Iterable[bytes], name: str) -> None:
        self._chunks = iter(chunks)
        self._name = name
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._begun = self._ended = False
        self._text = ""
        self._at = 0
        #: the line, and up to where its number is known
        self._line = 1
        self._counted = 0

    @property
    def place(self) -> str:
        return f"{self._name}:{self.line}"

    @property
    def line(self) -> int:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def peek(self) -> str:
        """The next character that is not blank; empty at the end."""
        return self._beyond(_BLANK)

    def takes(self, wanted: str) -> bool:
        """Whether that is what comes next; it is then behind us."""
        if self.peek() != wanted:
            return False
        self._at += 1
        return True

    def value(self) -> str:
        """The text of the next value. Raises TooLarge, with the value still to come."""
        self.peek()
        while True:
            try:
                _, end = _DECODER.raw_decode(self._text, self._at)
            except JSONDecodeError as error:
                if len(self._text) - self._at > MAX_VALUE:
                    if self._is_cut(error):
                        raise TooLarge from None
                elif self._more():
                    continue
                raise self.wrong(error.msg, error.pos) from None
            except RecursionError:
                raise self.wrong("it is nested too deep") from None
            length = end - self._at
            if self._may_go_on(end) and length <= MAX_VALUE and self._more():
                continue
            # reading on has moved the window, also where there was nothing more
            text = self._text[self._at : self._at + length]
            self._at += length
            return text

    def skip(self) -> None:
        """Past the next value, of any size."""
        match self.peek():
            case '"':
                self._skip_string()
            case "[" | "{" as opener:
                self._at += 1
                self.leave([_CLOSERS[opener]])
            case first if first and _WORD.fullmatch(first):
                self._beyond(_WORD)
            case _:
                raise self.wrong("Expecting value")

    def leave(self, closers: list[str]) -> None:
        """Past the end of what is open, the innermost last."""
        while closers:
            match self._beyond(_BETWEEN):
                case '"':
                    self._skip_string()
                    continue
                case "[" | "{" as opener:
                    if len(closers) == _MAX_OPEN:
                        raise self.wrong("it is nested too deep")
                    closers.append(_CLOSERS[opener])
                case closer:
                    if closer != closers.pop():
                        raise self.wrong("a bracket does not fit, or the document ends too early")
            self._at += 1

    def wrong(self, problem: str, at: int | None = None) -> SourceInvalid:
        if at is not None:
            self._at = min(at, len(self._text))
        if not self._begun:
            return SourceInvalid(f"{self._name}: it is empty. Write a JSON array.")
        return SourceInvalid(f"{self.place}: not JSON: {problem}.")

    def _skip_string(self) -> None:
        self._at += 1
        while True:
            match self._beyond(_IN_STRING):
                case '"':
                    self._at += 1
                    return
                case "":
                    raise self.wrong("a string is never closed")
                case _:  # a backslash, and what it is before
                    if self._at + 1 == len(self._text) and not self._more():
                        raise self.wrong("a string is never closed")
                    self._at += 2

    def _beyond(self, pattern: re.Pattern[str]) -> str:
        """Past all that the pattern takes; the character there, or nothing at the end."""
        while True:
            found = pattern.match(self._text, self._at)
            self._at = self._at if found is None else found.end()
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def _may_go_on(self, end: int) -> bool:
        """A number, also where the text is cut behind its point or its e."""
        found = _WORD.match(self._text, end)
        return found is not None and found.end() == len(self._text)

    def _is_cut(self, error: JSONDecodeError) -> bool:
        """Whether the value is fine as far as it was read."""
        at_the_end = error.pos >= len(self._text) - _LONGEST_WORD
        return at_the_end or error.msg.startswith("Unterminated string")

    def _more(self) -> bool:
        """Read on: at least as much as is held, so that no text is looked at too often."""
        if self._ended:
            return False
        _ = self.line
        held = [self._text[self._at :]]
        wanted, got = max(1, len(held[0])), 0
        self._at = self._counted = 0
        while got < wanted and not self._ended:
            piece = self._next_piece()
            held.append(piece)
            got += len(piece)
        self._text = "".join(held)
        self._begun = self._begun or got > 0
        return got > 0

    def _next_piece(self) -> str:
        chunk = next(self._chunks, None)
        self._ended = chunk is None
        try:
            return self._decoder.decode(chunk or b"", final=self._ended)
        except UnicodeDecodeError as error:
            hint = "" if self._begun else binary_hint(error.object)
            byte = error.object[error.start]
            raise SourceInvalid(
                f"{self.place}: not UTF-8: byte 0x{byte:02x}, somewhere behind this line. "
                f"{hint or 'Save it as UTF-8.'}"
            ) from None
