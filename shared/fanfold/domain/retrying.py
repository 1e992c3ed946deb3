"""What a retry changes of a batch (domain.generation says how its counts stay right)."""

from __future__ import annotations

from dataclasses import replace

from fanfold.domain.batch import Batch, BatchState, to_state
from fanfold.domain.generation import Chosen, Past
from fanfold.domain.options import BatchOptions
from fanfold.domain.tally import Tally
from fanfold.errors import Contended

#: older generations that a batch remembers
MAX_PAST = 20


def retry(
    batch: Batch, generation: int, chosen: Chosen, kept: Tally, order: str, options: BatchOptions
) -> Batch:
    """Run the chosen records again. `generation`: the one that they were chosen of."""
    pending = to_state(batch, "retry", BatchState.PENDING)
    if batch.generation != generation:
        raise Contended(f"{batch.id} has been run again since its records were chosen: choose anew")
    return replace(
        pending,
        generation=generation + 1,
        chosen=chosen,
        kept=kept,
        left_undone=batch.ending if kept.canceled or kept.skipped or batch.cut_short else None,
        past=(*batch.past, _past_of(batch))[-MAX_PAST:],
        order=order,
        proven=False,
        held="",
        options=options,
        ending=None,
        closed=None,
        claim=None,
        fold_attempts=0,
        certificate=None,
        output=None,
        failure=None,
        deadline_at=None,
        winding_down=None,
        started_at=None,
        closed_at=None,
        ended_at=None,
    )


def _past_of(batch: Batch) -> Past:
    counts = batch.closed or Tally()
    return Past(
        batch.generation,
        batch.state,
        batch.failure.message if batch.failure is not None else "",
        counts.succeeded,
        counts.failed,
        counts.canceled,
        counts.skipped,
        batch.ended_at or 0.0,
        batch.flow.version,
        batch.chosen.what if batch.chosen is not None else "",
    )


def clear(batch: Batch) -> Batch:
    """Nothing is left of what the chosen records came to before: they may be published."""
    chosen = batch.chosen
    return batch if chosen is None else replace(batch, chosen=replace(chosen, cleared=True))
