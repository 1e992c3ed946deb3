"""How progress is told, at moments of our choosing."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from rich.console import Console

from fanfold.cli.bar import bar
from fanfold.cli.live import view_of
from fanfold.cli.plain import PlainDisplay
from fanfold.cli.terminal import Terminal
from fanfold.cli.whole_lines import WholeLines
from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.flow import FlowRef
from fanfold.domain.ids import batch_id_from
from fanfold.domain.options import BatchOptions
from fanfold.domain.source import Source
from fanfold.domain.tally import Counts, ErrorGroup, Tally
from fanfold.steps.pace import Pace
from fanfold.steps.status import Status

MILLION = 1_000_000


def status(seconds: float, counts: Counts, *groups: ErrorGroup, sealed: bool = True) -> Status:
    batch = Batch(
        id=batch_id_from(bytes(10)),
        flow=FlowRef("shout", "1", "flows.py:shout"),
        source=Source("blob", "records.jsonl"),
        options=BatchOptions(),
        request_digest="",
        created_at=0.0,
        state=BatchState.RUNNING,
        started_at=0.0,
        total=counts.total if sealed else None,
    )
    return Status(batch, Tally(errors={it.fingerprint: it for it in groups}), counts, seconds)


def group(count: int, number: int) -> ErrorGroup:
    return ErrorGroup(f"{number:010x}", count, "ValueError", f"kind {number}", "word " * 99, number)


def test_plain_progress_is_a_line_every_five_seconds_while_something_changes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    display = PlainDisplay(Terminal())
    for tenths in range(200):
        done = min(tenths, 120)
        display.show(status(tenths / 10, Counts(total=200, queued=200 - done, succeeded=done)))

    assert capsys.readouterr().err.splitlines() == [
        "fanfold: 50 of 200 done, 10/s, about 15 s left",
        "fanfold: 100 of 200 done, 10/s, about 10 s left",
        "fanfold: 120 of 200 done, 7.0/s, about 11 s left",
    ]


def test_plain_progress_tells_what_fails_runs_and_waits_and_whether_more_is_to_come(
    capsys: pytest.CaptureFixture[str],
) -> None:
    counts = Counts(total=9, queued=1, running=2, waiting=3, succeeded=1, failed=2)
    display = PlainDisplay(Terminal())
    display.show(status(0.0, Counts(total=9, queued=9), sealed=False))
    display.show(status(5.0, counts, sealed=False))

    line = "fanfold: 3 of 9+ done, 2 failed, 2 running, 3 waiting, 0.6/s\n"
    assert capsys.readouterr().err == line


def test_the_pace_is_that_of_the_last_ten_seconds() -> None:
    pace = Pace()
    for second in range(101):
        done = second if second < 90 else 90 + 50 * (second - 90)
        pace.see(status(float(second), Counts(total=MILLION, succeeded=done)))

    assert pace.rate == 50


def test_a_million_records_fit_in_eighty_columns() -> None:
    counts = Counts(
        total=MILLION,
        queued=400_000,
        running=100_000,
        waiting=100_000,
        succeeded=200_000,
        failed=100_000,
        skipped=100_000,
    )
    seen = status(5000.0, counts, *(group(10 - n, n) for n in range(5)))
    console = Console(width=80, file=io.StringIO(), force_terminal=True, color_system=None)

    with console.capture() as captured:
        console.print(view_of(seen, Pace(), console))

    lines = captured.get().splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[2].startswith("█ 200,000 succeeded  ▚ 100,000 failed  ▀ 100,000 skipped")
    assert lines[3] == "▒ 100,000 waiting  ░ 400,000 queued", "the whole legend, in two lines"
    assert len(lines) == 5 + 3 * 2 + 1, "the three most frequent groups, and that there are more"
    assert lines[5] == "  10 \N{MULTIPLICATION SIGN} ValueError: kind 0"
    assert lines[-1] == "  and 2 more groups of failures"


@pytest.mark.parametrize("plain", [True, False])
def test_in_the_bar_every_part_has_its_share_and_at_least_a_place(plain: bool) -> None:
    counts = Counts(total=MILLION, queued=MILLION - 500_002, succeeded=500_000, failed=1, running=1)

    line = bar(status(1.0, counts), 66, plain=plain).plain

    full, failed, running, queued = "#x=." if plain else "█▚▓░"
    assert (line.count(full), line.count(failed), line.count(running)) == (29, 1, 1)
    assert line.count(queued) == 29
    assert line.endswith("  50 %")
    assert len(line) == 66


def test_a_bar_of_nothing_is_whole() -> None:
    nothing = status(1.0, Counts())

    assert len(bar(nothing, 40).plain) == 40
    assert len(bar(replace(nothing, seconds=2.0), 40).plain) == 40


def test_what_two_records_print_in_pieces_comes_out_in_whole_lines() -> None:
    shown = io.StringIO()
    stream = WholeLines(shown)
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        for thread, piece in [(one, "a"), (other, "b"), (one, " 1\n"), (other, " 2\nhalf")]:
            thread.submit(stream.write, piece).result()
        assert shown.getvalue() == "a 1\nb 2\n"

        other.submit(stream.flush).result()
        assert shown.getvalue() == "a 1\nb 2\nhalf"
