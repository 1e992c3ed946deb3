"""Many results as chunks of bytes: large enough for a disk, small enough for memory."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator

from fanfold.folds.exports.format import Format, Groups
from fanfold.folds.result import Result

_RESULTS = 500
_BYTES = 256 * 1024


def chunks_of(
    results: Iterable[Result | None],
    form: Format,
    first: Result | None,
    on_written: Callable[[int], None],
) -> Iterator[bytes]:
    """The head, then the results. A None among them says that the next one is to come: what there
    is should not wait for it. `on_written` is told of each chunk's results once somebody has taken
    it and asks for the next."""
    if isinstance(form, Groups):
        yield from form.chunks(results, on_written)
        return
    held, size, count = [form.begin(first)], 0, 0
    for result in results:
        if result is not None:
            line = form.line(result)
            held.append(line)
            size += len(line)
            count += 1
        if result is None or size >= _BYTES or count >= _RESULTS:
            if chunk := b"".join(held):
                yield chunk
                on_written(count)
            held, size, count = [], 0, 0
    if chunk := b"".join(held):
        yield chunk
        on_written(count)


def gzipped(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Without a time in it: the same results make the same file."""
    packer = zlib.compressobj(6, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    for chunk in chunks:
        if packed := packer.compress(chunk):
            yield packed
    yield packer.flush()
