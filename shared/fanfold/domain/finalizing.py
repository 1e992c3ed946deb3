"""What changes while a batch is finalizing: who is at it, and how often its fold was tried."""

from __future__ import annotations

from dataclasses import replace

from fanfold.domain.batch import Batch, BatchState, Claim
from fanfold.errors import IllegalTransition

#: A fold that raises (or dies) this often fails its batch, with the results kept.
MAX_FOLD_ATTEMPTS = 3


def claim_again(batch: Batch, claim: Claim, now: float) -> Batch:
    """Take over a finalization whose claim has ended; a living claim stays."""
    if batch.state is not BatchState.FINALIZING:
        raise IllegalTransition(f"{batch.id} is {batch.state}: there is nothing to finalize")
    if batch.claim is not None and batch.claim.until > now and batch.claim.owner != claim.owner:
        return batch
    return replace(batch, claim=claim)


def holds_claim(batch: Batch, owner: str) -> bool:
    """Whether it is this finalizer's to end."""
    return not batch.ended and batch.claim is not None and batch.claim.owner == owner


def renew_claim(batch: Batch, claim: Claim) -> Batch:
    """Its own claim, for longer."""
    if batch.claim is None or batch.claim.owner != claim.owner:
        return batch
    return replace(batch, claim=claim)


def let_go(batch: Batch, owner: str, now: float) -> Batch:
    """Its own claim, now: others may take over."""
    if batch.claim is None or batch.claim.owner != owner:
        return batch
    return replace(batch, claim=replace(batch.claim, until=now))


def begin_fold(batch: Batch) -> Batch:
    """Counted before it is tried: a fold that kills its process counts as well."""
    return replace(batch, fold_attempts=batch.fold_attempts + 1)
