"""A batch's status in words and as JSON: one place, so that every command says the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fanfold.cli.numbers import TIMES, count, duration, iso, rate, short

if TYPE_CHECKING:
    from fanfold.domain.batch import Batch
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
    batch = status.batch
    return {
        "batch_id": batch.id,
        "flow": batch.flow.name,
        "status": str(batch.state),
        "sealed": batch.sealed,
        **counts_as_json(status),
        "seconds": round(status.seconds, 3),
        "label": batch.options.label,
        "tags": batch.options.tags,
        "source": batch.source.name,
        "options": batch.options.model_dump(),
        "created_at": iso(batch.created_at),
        "started_at": iso(batch.started_at),
        "ended_at": iso(batch.ended_at),
        "error": reason_of(status),
        "errors": [group_as_json(group) for group in groups_of(status)],
        "output": output,
    }


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
    """Why the batch itself ended as it did, where that needs saying."""
    batch, counts = status.batch, status.counts
    if batch.failure is not None:
        return batch.failure.message
    if batch.ending is not None:
        return batch.ending.reason
    if batch.state == "failed" and counts.failed:
        return "every record failed" if counts.failed == counts.total else "no record succeeded"
    return None


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
    begun = batch.started_at
    took = (batch.ended_at or 0.0) - begun if begun is not None else 0.0
    speed = f" ({rate(status.counts.settled / took)})" if took > 0 and status.counts.settled else ""
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
