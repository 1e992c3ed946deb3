"""`fanfold watch`: a page that follows a batch and leaves it alone."""

from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING, Any

import pytest
from rich.cells import cell_len

from tests.e2e.screen import COLOUR, Screen, seen

if TYPE_CHECKING:
    from tests.e2e.conftest import Fanfold

TIMES = "\N{MULTIPLICATION SIGN}"
FATES: list[dict[str, Any]] = [
    *({"id": f"r{n}", "do": "error", "message": f"row {n} has no price"} for n in range(3)),
    {"id": "slow", "do": "sleep", "seconds": 0.3},
    *({"id": n, "do": "ok"} for n in range(6)),
]


@pytest.fixture(scope="module")
def ended(shared_fanfold: Fanfold) -> Fanfold:
    """A home with one batch, which has ended."""
    fanfold = shared_fanfold
    given = ("--retries", "0", "--concurrency", "3", "--label", "nightly", "--quiet")
    source = fanfold.write("records.jsonl", FATES)
    assert fanfold("run", fanfold.puppet, source, *given, *fanfold.small).code == 0
    return fanfold


def test_once_is_a_page_of_plain_text(ended: Fanfold) -> None:
    shown = ended("watch", "last", "--once")

    assert (shown.code, shown.err) == (0, "")
    lines = shown.out.splitlines()
    assert lines[0].startswith("puppet · batch-")
    assert lines[0].endswith(" · completed · nightly")
    assert "█ 7 succeeded  ▚ 3 failed" in lines
    assert any(it.startswith("speed ") and "on average" in it for it in lines)
    assert any(re.match(r"durations  p50 .+ · p90 .+ · p99 .+ · max ", it) for it in lines)
    slowest = next(it for it in lines if it.startswith("slowest "))
    assert slowest.endswith("  record 3 (slow)")
    assert any(f"3 {TIMES} ValueError: row <n> has no price" in it for it in lines)
    assert lines[-1] == "options    concurrency 3 · retries 0"
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in shown.out


def test_where_there_is_no_terminal_it_looks_once(ended: Fanfold) -> None:
    assert ended("watch", "last").out == ended("watch", "last", "--once").out


def test_as_json_it_is_all_in_one_object(ended: Fanfold) -> None:
    seen = ended.inside("watch", "last", "--json").json

    assert (seen["status"], seen["succeeded"], seen["failed"], seen["queued"]) == (
        "completed", 7, 3, 0
    )  # fmt: skip
    assert seen["options"]["concurrency"] == 3
    assert (seen["rate"], seen["seconds_left"]) == (None, None)
    assert seen["mean_rate"] > 0
    durations = seen["durations"]
    assert sum(it["runs"] for it in durations["buckets"]) == 10
    assert durations["p50"] <= durations["p90"] <= durations["p99"] <= durations["max"]
    slow = {"index": 3, "key": "slow", "status": "succeeded", "attempts": 1}
    assert seen["slowest"][0] == {**slow, "seconds": durations["max"]}
    assert len(seen["slowest"]) == 5
    assert [(it["count"], it["pattern"]) for it in seen["errors"]] == [(3, "row <n> has no price")]


@pytest.mark.parametrize("columns", [80, 40])
def test_on_a_terminal_the_last_page_stays_when_the_batch_has_ended(
    ended: Fanfold, columns: int
) -> None:
    screen = Screen(ended, "watch", "last", columns=columns)

    assert screen.end() == 0
    assert screen.left == screen.pages[-1], "drawn on a screen of its own, and once more below"
    assert screen.left[0].startswith("puppet · batch-")
    assert max(map(cell_len, screen.left)) <= columns
    assert COLOUR.search(screen.text)


def test_no_color_is_respected(ended: Fanfold) -> None:
    text = seen(ended, "watch", "last", NO_COLOR="1")

    assert not any(code in text for code in ("\x1b[32m", "\x1b[31m", "\x1b[90m"))
    assert "█ 7 succeeded" in text


def test_it_follows_the_batch_and_ends_with_it(fanfold: Fanfold) -> None:
    source = fanfold.write("records.jsonl", [{"do": "permanent"}] * 3)
    fanfold.inside("create", fanfold.puppet, source)
    screen = Screen(fanfold, "watch", "last")
    screen.until(lambda text: "waiting for a worker" in text)

    fanfold("worker", "--until-idle")

    assert screen.end() == 1, "as the batch ended"
    assert "▚ 3 failed" in screen.left
    assert "reason: every record failed" in screen.left


def test_whoever_goes_leaves_the_batch_as_it_is(fanfold: Fanfold) -> None:
    batch_id = fanfold.inside("create", "echo", "-", stdin="1\n").out.strip()
    screen = Screen(fanfold, "watch", "last")
    screen.until(lambda text: "waiting for a worker" in text)

    screen.process.send_signal(signal.SIGINT)

    assert screen.end() == 130
    assert screen.left[-2:] == [
        "fanfold: it goes on without you. Watch it again: fanfold watch",
        batch_id,
    ] or screen.left[-1].endswith(f"Watch it again: fanfold watch {batch_id}")
    assert fanfold.inside("status", batch_id, "--json").json["status"] == "pending"
    assert fanfold("worker", "--until-idle").code == 0
    assert fanfold.inside("wait", batch_id).code == 0


def test_a_batch_that_is_not_there_is_refused_in_one_line(fanfold: Fanfold) -> None:
    ended = fanfold.inside("watch", "last")

    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("fanfold: there are no batches here")
