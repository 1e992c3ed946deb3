"""How the reading of a source is told, at moments of our choosing."""

from __future__ import annotations

import io
import sys
from contextlib import ExitStack

import pytest
from rich.console import Console

from fanfold.cli.reading import Progress, reading
from fanfold.cli.terminal import Terminal
from fanfold.sources.jsonl import read_lines


class Moments:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def shown(on_terminal: bool, *moments: tuple[float, int]) -> str:
    terminal, written, clock = Terminal(), io.StringIO(), Moments()
    terminal._console = Console(
        file=written, force_terminal=on_terminal, soft_wrap=True, color_system=None
    )
    with ExitStack() as held:
        progress = Progress(terminal, held, clock)
        for clock.now, records in moments:
            progress.see(records)
    return written.getvalue()


def test_what_is_read_within_a_second_is_not_spoken_of() -> None:
    assert shown(True, (0.0, 1), (0.99, 5000)) == ""
    assert shown(False, (0.0, 1), (4.9, 5000)) == ""


def test_on_a_terminal_what_takes_longer_is_shown_as_it_goes() -> None:
    text = shown(True, (0.5, 100), (1.0, 5000), (1.2, 12_000), (1.21, 13_000))
    assert "reading the source: 12,000 records" in text
    assert "13,000" not in text, "not more often than anybody can see"


def test_in_a_log_file_there_is_a_line_now_and_then() -> None:
    assert shown(False, (1.0, 10), (5.0, 5000), (9.0, 9000), (10.0, 12_000)).splitlines() == [
        "fanfold: reading the source: 5,000 records",
        "fanfold: reading the source: 12,000 records",
    ]


@pytest.mark.parametrize("quiet", [True, False])
def test_every_record_passes_whether_it_is_shown_or_not(quiet: bool) -> None:
    lines = read_lines([b"1\n2\n"], name="standard input")
    with reading(Terminal(quiet=quiet), ["-"]) as watch:
        assert [line.data for line in watch(lines)] == [1, 2]


def test_what_is_typed_is_asked_for_and_not_written_over(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    with reading(Terminal(), ["-"]) as watch:
        assert list(watch(read_lines([], name="standard input"))) == []
    assert "reading records from the terminal" in capsys.readouterr().err
