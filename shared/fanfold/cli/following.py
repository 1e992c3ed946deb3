"""`fanfold results --follow`: results as they come, until the batch has ended.

A file that is followed is written in place, each result as soon as it is its turn: somebody may be
reading it. Ctrl-C ends it behind a whole result.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fanfold.cli import exits
from fanfold.cli.interrupts import Interrupts
from fanfold.cli.numbers import count
from fanfold.cli.output_file import STANDARD_OUTPUT, Shape, is_folder, write_stream
from fanfold.cli.pace import look_seconds
from fanfold.errors import FanfoldError, OptionInvalid
from fanfold.folds.exports.urls import is_url
from fanfold.folds.follow import follow_results

if TYPE_CHECKING:
    from fanfold.cli.terminal import Terminal
    from fanfold.domain.batch import Batch
    from fanfold.folds.result import Result
    from fanfold.wiring import Fanfold


def follow_into(
    fanfold: Fanfold,
    terminal: Terminal,
    batch: Batch,
    out: str,
    shape: Shape,
    is_asked_for: Callable[[Result], bool],
) -> int:
    """The exit code."""
    if is_folder(out) or is_url(out):
        raise OptionInvalid(
            f"--follow writes to a file or to standard output, not to {out}. Export there when it "
            "has ended"
        )
    written = 0

    def on_written(results: int) -> None:
        nonlocal written
        written += results

    with Interrupts() as interrupts:
        every = follow_results(
            fanfold.ports,
            batch.id,
            wait=lambda: time.sleep(look_seconds(fanfold)),
            is_over=lambda: interrupts.count > 0 or terminal.is_closed,
        )
        asked_for = (it for it in every if it is None or is_asked_for(it))
        with _opened(terminal, out) as put:
            write_stream(put, out, asked_for, shape.for_(batch), on_written)
        if out != STANDARD_OUTPUT:
            terminal.say(f"{out}: {count(written, 'result')}")
        if interrupts.count:
            terminal.warn(f"fanfold: interrupted after {count(written, 'result')}")
            return exits.INTERRUPTED
    return exits.OK


@contextmanager
def _opened(terminal: Terminal, out: str) -> Iterator[Callable[[bytes], bool]]:
    if out == STANDARD_OUTPUT:
        yield terminal.data_bytes
        return
    try:
        with Path(out).open("wb") as file:

            def put(chunk: bytes) -> bool:
                file.write(chunk)
                file.flush()
                return True

            yield put
    except OSError as error:
        raise FanfoldError(f"{out}: {error.strerror or error}. Follow it again") from error
