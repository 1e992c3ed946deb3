"""Results into a file: there whole, or not at all.

They are written beside it first and take its place by a rename, so that nobody reads half of them
and a crash leaves what was there before. What is no plain file (a pipe, /dev/null) is written to.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from fanfold.errors import FanfoldError, OptionInvalid

if TYPE_CHECKING:
    from fanfold.cli.terminal import Terminal
    from fanfold.folds.result import Result

STANDARD_OUTPUT = "-"
_LINES = 500


def check_out(out: str | None, *, as_json: bool) -> None:
    """Refuse now what could not be written when everything has been run."""
    if out is None:
        return
    if out == STANDARD_OUTPUT:
        if as_json:
            raise OptionInvalid(
                "--out - and --json both want standard output. Name a file: --out results.jsonl"
            )
        return
    path = Path(out)
    if path.is_dir():
        raise OptionInvalid(f"--out {out}: is a directory. Name a file")
    if not path.resolve().parent.is_dir():
        raise OptionInvalid(f"--out {out}: there is no folder {path.resolve().parent}. Make it")
    if not os.access(path if path.exists() else path.resolve().parent, os.W_OK):
        raise OptionInvalid(f"--out {out}: no permission to write there")


def write_results(
    terminal: Terminal,
    out: str,
    results: Iterable[Result],
    on_progress: Callable[[int], None] | None = None,
) -> int:
    """How many were written."""
    if out == STANDARD_OUTPUT:
        return _write(terminal.data_bytes, results, on_progress)
    try:
        return _write_file(Path(out).resolve(), results, on_progress)
    except OSError as error:
        raise FanfoldError(
            f"{out}: {error.strerror or error}. The results are kept: `fanfold results` writes "
            "them again"
        ) from error


def _write_file(
    path: Path, results: Iterable[Result], on_progress: Callable[[int], None] | None
) -> int:
    def writer(handle: int) -> int:
        with os.fdopen(handle, "wb") as file:

            def put(text: bytes) -> bool:
                file.write(text)
                return True

            return _write(put, results, on_progress)

    if path.exists() and not path.is_file():
        return writer(os.open(path, os.O_WRONLY))
    handle, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        written = writer(handle)
        Path(draft).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    return written


def _write(
    put: Callable[[bytes], bool],
    results: Iterable[Result],
    on_progress: Callable[[int], None] | None,
) -> int:
    written = 0
    rest = iter(results)
    while chunk := list(islice(rest, _LINES)):
        text = "".join(result.line() + "\n" for result in chunk)
        if not put(text.encode(errors="surrogatepass")):
            break
        written += len(chunk)
        if on_progress is not None:
            on_progress(written)
    return written


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
