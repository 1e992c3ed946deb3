"""A stream of bytes cut into lines, and a line's bytes as text: what all kinds of lines share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import BytesIO

from fanfold.domain.records import MAX_RECORD_BYTES
from fanfold.errors import SourceInvalid

BOM = b"\xef\xbb\xbf"
#: A line may be longer than its record by white space around it, within reason.
MAX_LINE_BYTES = MAX_RECORD_BYTES + 4096

#: What a file that is no text begins with, and what to do about it.
_BINARY = {
    b"PAR1": "It is a Parquet file: name it .parquet, or say --format parquet.",
    b"PK\x03\x04": "It is a zip file or a spreadsheet: convert it to JSON Lines or CSV.",
    b"BZh": "It is compressed with bzip2: decompress it first.",
    b"\xfd7zXZ": "It is compressed with xz: decompress it first.",
    b"\x28\xb5\x2f\xfd": "It is compressed with zstd: decompress it first.",
    b"\xff\xfe": "It is UTF-16: save it as UTF-8.",
    b"\xfe\xff": "It is UTF-16: save it as UTF-8.",
}


def raw_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Lines with their line ends. A line that is too long comes as far as it was read, and last."""
    held: list[bytes] = []
    size = 0
    for chunk in chunks:
        held.append(chunk)
        size += len(chunk)
        if b"\n" in chunk:
            lines = BytesIO(b"".join(held)).readlines()
            rest = b"" if lines[-1].endswith(b"\n") else lines.pop()
            yield from lines
            held, size = [rest], len(rest)
        if size > MAX_LINE_BYTES:
            break
    if size:
        yield b"".join(held)


def decoded(raw: bytes, place: str, remedy: str, *, first: bool) -> str:
    """A line as text. `first`: it is the source's first, and may show that this is no text."""
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        problem = f"not UTF-8: byte 0x{raw[error.start]:02x} (byte {error.start + 1} of the line)"
        hint = binary_hint(raw) if first else ""
        raise SourceInvalid(f"{place}: {problem}. {hint or remedy}") from None


def binary_hint(start: bytes) -> str:
    """What a source is that begins so, and what to do; empty where nothing is known."""
    return next((hint for magic, hint in _BINARY.items() if start.startswith(magic)), "")
