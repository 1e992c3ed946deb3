"""The proof that a batch's counts are right, drawn when it ends and again whenever one asks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Certificate:
    """Closed count and digest against the sealed ones, and a recount from the runs' documents."""

    total: int
    succeeded: int
    failed: int
    canceled: int
    skipped: int
    digest: int
    expected_digest: int
    recounted_succeeded: int
    recounted_failed: int
    recounted_digest: int
    at: float
    #: whether every record of the batch was settled (not so when it was stopped)
    whole: bool

    @property
    def holds(self) -> bool:
        counted = self.succeeded + self.failed + self.canceled + self.skipped == self.total
        recounted = (
            (self.succeeded, self.failed, self.digest)
            == (self.recounted_succeeded, self.recounted_failed, self.recounted_digest)
        )  # fmt: skip
        return counted and recounted and (not self.whole or self.digest == self.expected_digest)
