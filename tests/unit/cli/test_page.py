"""The page of `fanfold watch`: what it says of a sight, in so many columns and rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from rich.cells import cell_len

from fanfold.cli.page import page_of
from fanfold.cli.sight import Sight
from fanfold.domain.batch import BatchState, Ending
from fanfold.domain.tally import Counts
from tests.unit.cli.sights import run, sight, status

TIMES = "\N{MULTIPLICATION SIGN}"


def lines(seen: Sight, width: int = 79, height: int | None = None, **more: Any) -> list[str]:
    return [line.plain.rstrip() for line in page_of(seen, width, height, **more)]


def busy() -> Sight:
    seen = status(
        groups=60,
        options={"label": "価格の更新バッチ 🚀 " * 9, "parameters": {"prompt": "word " * 99}},
        took=(0.001, 0.01, 0.01, 2.5),
    )
    slowest = tuple(run(index, 2.5 - index, f"商品{index} " * 20) for index in range(5))
    return sight(seen, rate=12.0, mean=8.0, left=49.0, rates=(1.0, 4.0), watched=2.0,
                 slowest=slowest)  # fmt: skip


def test_everything_has_its_place() -> None:
    seen = status(groups=1, options={"concurrency": 7, "label": "nightly"}, took=(0.01,) * 9)
    slow = (run(3, 0.0123, "tea", failed=True), run(4, 0.009, "4"))

    shown = lines(sight(seen, rate=12.0, mean=8.0, left=49.0, rates=(1.0, 4.0), watched=2.0,
                        slowest=slow))  # fmt: skip

    assert shown[0] == "shout · batch-aaaaaaaaaaaaaaaa · running · nightly"
    assert shown[1].endswith("  41 %")
    assert shown[2:] == [
        "█ 400 succeeded  ▚ 12 failed  ▓ 7 running  ▒ 2 waiting  ░ 579 queued",
        "speed      12/s now · 8.0/s on average · 50 s gone · about 49 s left",
        "            █",
        "           ▄█ up to 4.0/s, in 2.0 s",
        "durations  p50 11 ms · p90 11 ms · p99 11 ms · max 12 ms",
        "slowest       12 ms  record 3 (tea), failed",
        "             9.0 ms  record 4",
        f"failures   90 {TIMES} ValueError: kind 0 went wrong                          record 0",
        "options    concurrency 7",
    ]


@pytest.mark.parametrize("width", [20, 39, 59, 60, 79, 99])
@pytest.mark.parametrize("plain", [True, False])
def test_no_line_is_wider_than_the_terminal(width: int, plain: bool) -> None:
    assert max(map(cell_len, lines(busy(), width, plain=plain))) <= width


@pytest.mark.parametrize("height", [1, 8, 12, 16, 24, 50])
@pytest.mark.parametrize("width", [39, 79])
def test_no_page_is_higher_than_the_terminal(height: int, width: int) -> None:
    assert len(lines(busy(), width, height)) <= height


def test_what_gives_way_to_a_low_terminal_are_the_slowest_and_the_failures() -> None:
    shown = lines(busy(), 79, 16)

    assert shown[-1].startswith("options ") or shown[-2].startswith("options ")
    assert any(it.startswith("slowest ") for it in shown)
    assert any("in 5" in it and "more groups" in it for it in shown)
    assert sum("kind" in it for it in shown) < 10


def test_a_narrow_terminal_has_the_names_above() -> None:
    shown = lines(busy(), 39)

    assert shown[2:4] == ["█ 400 succeeded  ▚ 12 failed", "▓ 7 running  ▒ 2 waiting  ░ 579 queued"]
    assert shown[shown.index("slowest") + 1].startswith("     2.5 s  record 0 (商品0")
    assert "  50 s gone · about 49 s left" in shown


def test_the_failures_that_are_not_shown_are_counted() -> None:
    failures = [it for it in lines(busy()) if "more groups" in it]

    rest = sum(90 - number for number in range(10, 60))
    assert failures == [f"           and {rest:,} failures in 50 more groups"]


def test_before_anything_has_happened_nothing_is_made_up() -> None:
    seen = status(3.0, Counts(), state=BatchState.PENDING, started_at=None, total=None)

    assert lines(sight(seen))[2:] == [
        "waiting for a worker",
        "speed      3.0 s gone",
        "options    no concurrency limit",
    ]


def test_what_waits_for_others_says_so() -> None:
    seen = status(3.0, Counts(), state=BatchState.PENDING, started_at=None, total=None)
    other = status(state=BatchState.RUNNING).batch

    shown = lines(sight(replace(seen, waits_for=(other,))))

    assert "waiting for other batches" in shown
    assert f"reason: it waits for {other.id}, which is running" in shown


def test_of_a_batch_that_has_ended_the_mean_is_told() -> None:
    counts = Counts(total=10, succeeded=8, canceled=2)
    ending = Ending(BatchState.CANCELED, "canceled by the user")
    seen = status(20.0, counts, state=BatchState.CANCELED, ending=ending, ended_at=20.0)

    shown = lines(sight(seen, mean=0.5))

    assert "█ 8 succeeded  ▞ 2 canceled" in shown
    assert "reason: canceled by the user" in shown
    assert "speed      0.5/s on average · took 20 s" in shown


def test_a_paused_batch_says_so() -> None:
    assert "paused: nothing new starts until it is resumed" in lines(
        sight(status(state=BatchState.PAUSED))
    )


def test_a_terminal_without_blocks_gets_letters() -> None:
    shown = "".join(lines(replace(busy(), slowest=()), plain=True)[1:])

    assert not set("█▚▞▀▓▒░▁▂▃▄▅▆▇") & set(shown)


def test_a_percentile_is_not_told_to_be_more_than_the_longest() -> None:
    seen = status(took=(0.1,) * 3)  # its bucket's middle is beyond it

    assert "durations  p50 100 ms · p90 100 ms · p99 100 ms · max 100 ms" in lines(
        sight(seen, slowest=(run(0, 0.1),))
    )


def test_options_that_matter_are_told_in_words() -> None:
    given = {"shuffle": True, "seed": 4, "max_records": 2000, "grid": {"a": [1, 2]}, "tags": ["t"]}

    shown = lines(sight(status(options=given)))

    assert shown[-1] == (
        'options    no concurrency limit · max-records 2,000 · grid {"a": [1, 2]}'
    ) or shown[-2].startswith('options    no concurrency limit · max-records 2,000 · grid {"a"')
    assert shown[-1].endswith("shuffled, seed 4")
