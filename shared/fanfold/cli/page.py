"""The page of `fanfold watch`: a sight as lines of text, for so many columns and rows.

    shout · batch-… · running · a label
    ██████████████████▚▚▓▓░░░░░░░░░░░░░  42 %
    █ 420 succeeded  ▚ 12 failed  ▓ 2 running  ░ 566 queued
    speed      now and on average, and drawn over the time that one has watched
    durations  percentiles, and how many runs took how long
    slowest    the runs that took longest
    failures   the most frequent groups
    options    what was asked for

Pure: the same sight is the same page. Where there are too few rows, the slowest and the failures
give way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from fanfold.cli.bar import bar, legend
from fanfold.cli.charts import chart
from fanfold.cli.live import title_of
from fanfold.cli.numbers import TIMES, count, duration, rate, short, span
from fanfold.cli.report import groups_of, options_of, percentiles, reason_of

if TYPE_CHECKING:
    from fanfold.cli.sight import Sight
    from fanfold.domain.run import Run
    from fanfold.domain.tally import ErrorGroup

_GREY = "bright_black"
_INDENT = 11
_SMALL_INDENT = 2
_WIDE = 60
_BETWEEN = " · "
_TOOK = 8
_CHART = 2
_GROUPS = 10
#: below this nothing can be said of anything
_MIN_WIDTH = 20


def page_of(
    sight: Sight, width: int, height: int | None = None, *, plain: bool = False
) -> list[Text]:
    width = max(width, _MIN_WIDTH)
    indent = _INDENT if width >= _WIDE else _SMALL_INDENT
    room = width - indent
    status = sight.status

    def section(name: str, texts: list[str], style: str = "") -> list[Text]:
        """The name before the first line, or above it where that is narrow; nothing where there is
        nothing to tell."""
        if not texts:
            return []
        lines = [Text(" " * indent).append(text, style) for text in texts]
        if len(name) >= indent:
            return [Text(name, style=_GREY), *lines]
        lines[0] = Text(f"{name:{indent}}", style=_GREY).append(texts[0], style or "default")
        return lines

    groups = groups_of(status)
    head = [
        Text(short(title_of(status), width), style="bold"),
        bar(status, width, plain=plain),
        *legend(status, width, plain=plain),
        *_reason(sight, width),
        *section("speed", [*_joined(_speed(sight), room), *_rates(sight, room, plain=plain)]),
        *section("durations", _durations(sight, room, plain=plain)),
    ]
    foot = section("options", _joined(_options(sight), room))
    rows = None if height is None else height - len(head) - len(foot)
    names = 2 if len("slowest") >= indent else 0  # their names are lines, too
    few, many = _fit(
        len(sight.slowest), min(len(groups), _GROUPS), None if rows is None else rows - 1 - names
    )
    lines = [
        *head,
        *section("slowest", [_slow(run, room) for run in sight.slowest[:few]]),
        *section("failures", _failures(groups, many, room), "red"),
        *foot,
    ]
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return lines if height is None else lines[:height]


def _joined(parts: list[str], room: int) -> list[str]:
    """In as many lines as that takes."""
    lines: list[str] = []
    for part in (short(it, room) for it in parts):
        if lines and cell_len(lines[-1]) + len(_BETWEEN) + cell_len(part) <= room:
            lines[-1] += _BETWEEN + part
        else:
            lines.append(part)
    return lines


def _reason(sight: Sight, width: int) -> list[Text]:
    status = sight.status
    if (reason := reason_of(status)) is not None:
        return [Text(short(f"reason: {reason}", width))]
    if status.batch.state == "paused":
        return [Text("paused: nothing new starts until it is resumed")]
    return []


def _speed(sight: Sight) -> list[str]:
    status = sight.status
    parts = []
    if status.batch.ended:
        parts += [] if sight.mean is None else [f"{rate(sight.mean)} on average"]
        parts.append(f"took {duration(status.seconds)}")
        return parts
    if sight.rate is not None:
        parts.append(f"{rate(sight.rate)} now")
    if sight.mean is not None:
        parts.append(f"{rate(sight.mean)} on average")
    parts.append(f"{duration(status.seconds)} gone")
    if sight.left is not None:
        parts.append(f"about {duration(sight.left)} left")
    return parts


def _rates(sight: Sight, room: int, *, plain: bool) -> list[str]:
    """Over the time that one has watched; nothing to draw of a single moment."""
    if not any(sight.rates):
        return []
    lines = chart(sight.rates, room, _CHART, plain=plain)
    told = f" up to {rate(max(sight.rates))}, in {duration(sight.watched)}"
    if len(lines[-1]) + len(told) <= room:
        lines[-1] += told
    return lines


def _durations(sight: Sight, room: int, *, plain: bool) -> list[str]:
    from fanfold.domain.durations import middle_of

    durations = sight.status.tally.durations
    if not durations:
        return []
    first, last = min(durations), max(durations)
    longest = sight.slowest[0].seconds if sight.slowest else middle_of(last)
    begin, end = f"{span(middle_of(first))} ", f" {span(longest)}"
    counts = [float(durations.get(it, 0)) for it in range(first, last + 1)]
    (drawn,) = chart(counts, max(1, room - len(begin) - len(end)), plain=plain)
    told = [*percentiles(durations, longest), f"max {span(longest)}"]
    return [*_joined(told, room), *([f"{begin}{drawn}{end}"] if len(counts) > 1 else [])]


def _slow(run: Run, room: int) -> str:
    key = "" if run.key in (None, str(run.index)) else f" ({run.key})"
    failed = "" if run.state == "succeeded" else f", {run.state}"
    took = f"{span(run.seconds):>{_TOOK}}  "
    return took + short(f"record {run.index:,}{key}{failed}", room - len(took))


def _failures(groups: list[ErrorGroup], shown: int, room: int) -> list[str]:
    lines = [_group(it, room) for it in groups[:shown]]
    rest = groups[shown:]
    if rest and shown:
        failed = sum(it.count for it in rest)
        lines.append(f"and {count(failed, 'failure')} in {count(len(rest), 'more group')}")
    return lines


def _group(group: ErrorGroup, room: int) -> str:
    """Its example at the right edge, where a glance finds it."""
    what = f"{group.type}: {group.pattern}" if group.pattern else "other failures"
    example = f"  record {group.example_index:,}"
    told = short(f"{group.count:,} {TIMES} {what}", room - len(example))
    return told + " " * (room - len(example) - cell_len(told)) + example


def _options(sight: Sight) -> list[str]:
    """That there is no limit is worth knowing, too."""
    batch = sight.status.batch
    unlimited = ["no concurrency limit"] if batch.options.concurrency is None else []
    return [*unlimited, *options_of(batch)]


def _fit(slowest: int, groups: int, rows: int | None) -> tuple[int, int]:
    """How many of each there is room for: failures first, but never all of it."""
    if rows is None or slowest + groups <= rows:
        return slowest, groups
    rows = max(0, rows)
    many = min(groups, max(rows - slowest, (rows + 1) // 2))
    return min(slowest, rows - many), many
