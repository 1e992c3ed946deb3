"""What a person wants to know of a batch, at one glance, whatever state it is in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.certificate import Certificate
from fanfold.domain.following import Waiting, waits
from fanfold.domain.tally import Counts, Tally, conserve
from fanfold.ports import Ports
from fanfold.steps.finalize import certify
from fanfold.steps.follow import look


@dataclass(frozen=True, slots=True)
class Status:
    batch: Batch
    tally: Tally
    #: conserved
    counts: Counts
    #: seconds since it was created, until it ended
    seconds: float
    #: those that have to end before it begins
    waits_for: tuple[Batch, ...] = ()


def status_of(ports: Ports, batch_id: str) -> Status:
    now = ports.clock.now()
    # the tally first: read before the total, it can only be too small for it
    tally = ports.runs.tally(batch_id)
    running = ports.leases.running(batch_id, now)
    batch = ports.batches.get(batch_id)
    if batch.closed is not None:
        tally, running = batch.closed, 0
    counts = conserve(batch.known_total, tally, running)
    seconds = max(0.0, (batch.ended_at or now) - batch.created_at)
    return Status(batch, tally, counts, seconds, _awaited(ports, batch))


def status_from(ports: Ports, batch: Batch) -> Status:
    """The same of a batch that was read just now: of one that is closed nothing more is read."""
    if batch.closed is None:
        return status_of(ports, batch.id)
    counts = conserve(batch.known_total, batch.closed)
    ended_at = batch.ended_at or ports.clock.now()
    return Status(batch, batch.closed, counts, max(0.0, ended_at - batch.created_at))


def reason_of(status: Status) -> str | None:
    """Why the batch itself is or ended as it is, where that needs saying."""
    batch, counts = status.batch, status.counts
    if status.waits_for:
        return f"it waits for {in_words(status.waits_for)}"
    if batch.failure is not None:
        return batch.failure.message
    if batch.ending is not None:
        return batch.ending.reason
    if batch.is_held:
        return batch.held
    if (winding := batch.winding_down) is not None:
        return f"{winding.ending.reason}; what runs may finish"
    if batch.state is BatchState.FAILED and counts.failed:
        return "every record failed" if counts.failed == counts.total else "no record succeeded"
    return None


def in_words(others: Sequence[Batch]) -> str:
    """The first of those that are waited for, and how many there are besides."""
    first, *rest = others
    more = f", and {len(rest):,} more" if rest else ""
    return f"{first.id}, which is {first.state}{more}"


def _awaited(ports: Ports, batch: Batch) -> tuple[Batch, ...]:
    if not waits(batch):
        return ()
    seen = look(ports.batches, batch)
    return seen.others if isinstance(seen, Waiting) else ()


def verify(ports: Ports, batch_id: str) -> Certificate:
    """Derive the certificate of a closed batch anew, from the runs' own documents."""
    batch = ports.batches.get(batch_id)
    return certify(ports, batch, ports.clock.now())
