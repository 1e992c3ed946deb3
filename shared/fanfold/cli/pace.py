"""How often to look at a batch, and how fast it went all in all."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fanfold.steps.status import Status
    from fanfold.wiring import Fanfold


def look_seconds(fanfold: Fanfold) -> float:
    """How long to wait before looking again. On Firestore each look is billed, or competes with the
    work for an emulator."""
    return 0.5 if fanfold.settings.engine == "google" else 0.1


def mean_rate(status: Status) -> float | None:
    """Records a second since the batch was started, until it ended; None before that."""
    batch = status.batch
    if batch.started_at is None or not status.counts.settled:
        return None
    until = batch.created_at + status.seconds if batch.ended_at is None else batch.ended_at
    took = until - batch.started_at
    return status.counts.settled / took if took > 0 else None
