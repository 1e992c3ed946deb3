"""Sights of a batch, at moments of our choosing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fanfold.cli.sight import Sight
from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.durations import durations_of
from fanfold.domain.flow import FlowRef
from fanfold.domain.ids import batch_id_from
from fanfold.domain.options import BatchOptions
from fanfold.domain.outcome import Blame, Failed, Failure, Succeeded, Value
from fanfold.domain.run import Run
from fanfold.domain.source import Source
from fanfold.domain.tally import Counts, ErrorGroup, Tally
from fanfold.steps.status import Status

BATCH = Batch(
    id=batch_id_from(bytes(10)),
    flow=FlowRef("shout", "1", "flows.py:shout"),
    source=Source("blob", "records.jsonl"),
    options=BatchOptions(),
    request_digest="",
    created_at=0.0,
    state=BatchState.RUNNING,
    started_at=0.0,
    total=1000,
)
SOME = Counts(total=1000, queued=579, running=7, waiting=2, succeeded=400, failed=12)


def status(
    seconds: float = 50.0,
    counts: Counts = SOME,
    groups: int = 0,
    options: dict[str, Any] | None = None,
    took: tuple[float, ...] = (),
    **batch: Any,
) -> Status:
    found = [group(number) for number in range(groups)]
    tally = Tally(errors={it.fingerprint: it for it in found}, durations=durations_of(took))
    changed = replace(BATCH, options=BatchOptions(**options or {}), **batch)
    return Status(changed, tally, counts, seconds)


def group(number: int) -> ErrorGroup:
    pattern = f"kind {number} went wrong"
    return ErrorGroup(f"{number:010x}", 90 - number, "ValueError", pattern, pattern, 7 * number)


def run(index: int, seconds: float, key: str | None = None, *, failed: bool = False) -> Run:
    outcome = Failed(Failure(Blame.ERROR, "ValueError", "no")) if failed else Succeeded(Value("1"))
    return Run(BATCH.id, index, 1, key, outcome, 1, 0.0, seconds, seconds)


def sight(seen: Status | None = None, **more: Any) -> Sight:
    return Sight(status() if seen is None else seen, **more)
