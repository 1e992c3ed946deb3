"""A batch's status in words and as JSON: one place, so that every command says the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fanfold.cli.numbers import TIMES, count, duration, iso, moment, rate, short, span
from fanfold.cli.pace import mean_rate

if TYPE_CHECKING:
    from fanfold.domain.batch import Batch
    from fanfold.domain.durations import Durations
    from fanfold.domain.tally import ErrorGroup
    from fanfold.ports import Ports
    from fanfold.steps.status import Status

_COUNTS = (
    "total",
    "queued",
    "running",
    "waiting",
    "succeeded",
    "failed",
    "canceled",
    "skipped",
)
_GROUPS_SHOWN = 3
_PERCENTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}


def output_of(ports: Ports, batch: Batch) -> Any:
    """What the fold made, parsed; None when there is none."""
    from fanfold.folds.stream import text_of

    text = text_of(batch.output, ports.blobs)
    return None if text is None else json.loads(text)


def counts_as_json(status: Status) -> dict[str, int]:
    return {name: getattr(status.counts, name) for name in _COUNTS}


def ending_as_json(status: Status, output: Any) -> dict[str, Any]:
    """The one object that `--json` prints when a batch has been run."""
    return {
        "batch_id": status.batch.id,
        "status": str(status.batch.state),
        **counts_as_json(status),
        "seconds": round(status.seconds, 3),
        "output": output,
    }


def status_as_json(status: Status, output: Any) -> dict[str, Any]:
    from fanfold.domain.money import dollars_of

    batch = status.batch
    return {
        "batch_id": batch.id,
        "flow": batch.flow.shown,
        "status": str(batch.state),
        "generation": batch.generation,
        "sealed": batch.sealed,
        **counts_as_json(status),
        "seconds": round(status.seconds, 3),
        "attempts": status.tally.attempts,
        "spent": dollars_of(status.tally.spent),
        "durations": percentiles_as_json(status.tally.durations),
        "label": batch.options.label,
        "tags": batch.options.tags,
        "source": batch.source.name,
        "source_version": batch.source.version or None,
        "options": batch.options.model_dump(),
        "created_at": iso(batch.created_at),
        "started_at": iso(batch.started_at),
        "ended_at": iso(batch.ended_at),
        "error": reason_of(status),
        "waits_for": awaited_as_json(status),
        "errors": [group_as_json(group) for group in groups_of(status)],
        "output": output,
    }


def awaited_as_json(status: Status) -> list[dict[str, str]]:
    return [{"batch_id": it.id, "status": str(it.state)} for it in status.waits_for]


def where_to_answer(status: Status) -> list[str]:
    """Of one whose runs may be waiting for somebody; that they do is not looked up here."""
    batch = status.batch
    if not batch.options.interactive or not status.counts.waiting or not batch.is_open:
        return []
    return [f"what they ask: fanfold answer {batch.id}"]


def percentiles_as_json(
    durations: Durations, longest: float | None = None
) -> dict[str, float | None]:
    """Seconds; None where nothing has been run yet. A percentile is known to a few per cent: it is
    not told to be more than the longest, where that is known."""
    from fanfold.domain.durations import percentile

    known = {name: percentile(durations, share) for name, share in _PERCENTILES.items()}
    most = float("inf") if longest is None else longest
    return {name: None if it is None else three_digits(min(it, most)) for name, it in known.items()}


def three_digits(number: float) -> float:
    return float(f"{number:.3g}")


def percentiles(durations: Durations, longest: float | None = None) -> list[str]:
    """`p50 12 ms` and so on; none where nothing has been run yet."""
    known = percentiles_as_json(durations, longest).items()
    return [f"{name} {span(it)}" for name, it in known if it is not None]


def options_of(batch: Batch) -> list[str]:
    """The options that are not as they are by default, but for those told elsewhere."""
    given = batch.options.model_dump(
        exclude_defaults=True, exclude={"label", "tags", "shuffle", "seed", "deadline"}
    )
    told = [f"{name.replace('_', '-')} {_told(it)}" for name, it in given.items()]
    if batch.options.shuffle:
        told.append(f"shuffled, seed {batch.options.seed}")
    if batch.deadline_at is not None:
        told.append(f"until {moment(batch.deadline_at)}")
    return told


def _told(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:,}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def group_as_json(group: ErrorGroup) -> dict[str, Any]:
    return {
        "fingerprint": group.fingerprint,
        "count": group.count,
        "type": group.type,
        "pattern": group.pattern,
        "example": group.example,
        "example_index": group.example_index,
    }


def groups_of(status: Status) -> list[ErrorGroup]:
    """The failures, the most frequent first."""
    groups = status.tally.errors.values()
    return sorted(groups, key=lambda it: (-it.count, it.example_index, it.fingerprint))


def reason_of(status: Status) -> str | None:
    """Why the batch itself ended as it did, where that needs saying; and until when it is wound
    down, where it is."""
    from fanfold.steps.status import reason_of as told_by

    reason, winding = told_by(status), status.batch.winding_down
    return reason if winding is None else f"{reason} until {moment(winding.until)}"


def parts_of(status: Status) -> list[tuple[str, int]]:
    """The counts that are not zero, as they are told: what is done before what is not."""
    counts = status.counts
    names = ("succeeded", "failed", "canceled", "skipped", "running", "waiting", "queued")
    return [(name, getattr(counts, name)) for name in names if getattr(counts, name)]


def counted(status: Status) -> str:
    """`12 records: 10 succeeded, 2 failed`."""
    total = count(status.counts.total, "record")
    parts = ", ".join(f"{number:,} {name}" for name, number in parts_of(status))
    return f"{total}: {parts}" if parts else total


def summary(status: Status, width: int) -> list[str]:
    """What is said of a batch that has ended, as lines."""
    batch = status.batch
    lines = [f"{batch.id} {batch.state} in {duration(status.seconds)}"]
    mean = mean_rate(status)
    speed = "" if mean is None else f" ({rate(mean)})"
    lines.append(f"  {counted(status)}{speed}")
    if (reason := reason_of(status)) is not None:
        lines.append(f"  reason: {short(reason, max(40, 3 * width))}")
    return lines + failures(status, width)


def failures(status: Status, width: int, shown: int = _GROUPS_SHOWN) -> list[str]:
    groups = groups_of(status)
    lines = []
    for group in groups[:shown]:
        what = f"{group.type}: {group.pattern}" if group.pattern else "other failures"
        lines.append("  " + short(f"{group.count:,} {TIMES} {what}", width - 2))
        example = f"such as record {group.example_index}: {group.example}"
        lines.append("      " + short(example, width - 6))
    if len(groups) > shown:
        rest = len(groups) - shown
        lines.append(f"  and {count(rest, 'more group')} of failures")
    return lines
