"""Generations: a batch that has ended, run again for some of its records.

    generation 1   all records            ▓▓▓▓▓▓▓░▓▓▓░▓▓   ▓ succeeded  ░ failed
    ──retry──▶ 2   the chosen ones        kept + ░░ again
    ──retry──▶ 3   some of those, or others …

What is chosen is forgotten and settled anew; the rest is *kept*: its documents stay, and what they
add up to is written on the batch. So a run's document is there exactly if its result stands, and
settling creates it, as ever. (A mark on the old document, to be replaced by the new result, would
cost the same writes, one more for each record that never had a document, and a precondition that
every settle, message and recount would have to know of.)

    closed counts  =  kept (earlier generations', less the chosen)  +  this generation's slots

| what                        | how it stays right                                                |
|-----------------------------|-------------------------------------------------------------------|
| total                       | stays; kept + chosen = total                                      |
| a late result of an older   | its slot is gone, its generation is not the batch's: refused      |
| generation                  |                                                                   |
| what is left of the chosen  | removed before their messages are published, and only if it is of |
|                             | an older generation: so removing may be repeated at any time      |
| the digest                  | of the kept ones, and of the chosen: known when they are chosen   |
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from fanfold.domain.durations import Durations
from fanfold.domain.tally import OTHER, ErrorGroup, Tally


@dataclass(frozen=True, slots=True)
class Chosen:
    """The records that a generation runs. Their indexes are in the batch's `order`."""

    records: int
    #: the sum of their digests
    digest: int
    #: in the user's words
    what: str
    #: whether what older generations left of them is removed, so that they may be published
    cleared: bool = False


@dataclass(frozen=True, slots=True)
class Past:
    """How an older generation ended."""

    generation: int
    state: str
    reason: str
    succeeded: int
    failed: int
    canceled: int
    skipped: int
    ended_at: float
    flow_version: str
    #: what was run again then; empty for the first
    what: str = ""


def without(tally: Tally, gone: Tally) -> Tally:
    """What is left of the closed counts when these runs are taken out. What it took to settle them
    stays, and so does what they have cost: it was spent."""
    return replace(
        tally,
        succeeded=tally.succeeded - gone.succeeded,
        failed=tally.failed - gone.failed,
        canceled=tally.canceled - gone.canceled,
        skipped=tally.skipped - gone.skipped,
        attempts=max(0, tally.attempts - gone.attempts),
        seconds=max(0.0, tally.seconds - gone.seconds),
        digest=tally.digest - gone.digest,
        errors=_errors_without(tally, gone),
        durations=_durations_without(tally.durations, gone.durations),
    )


def _errors_without(tally: Tally, gone: Tally) -> dict[str, ErrorGroup]:
    """A failure may have been counted under its own name by one process, and by another, which
    had too many, under `other`. Where its own name has too few, the rest is taken from there."""
    left = dict(tally.errors)
    for name, group in gone.errors.items():
        rest = group.count
        for place in (name, OTHER):
            known = left.get(place)
            if known is None or not rest:
                continue
            taken = min(rest, known.count)
            rest -= taken
            if taken == known.count:
                del left[place]
            else:
                left[place] = replace(known, count=known.count - taken)
    return left


def _durations_without(durations: Durations, gone: Durations) -> Durations:
    left = {bucket: count - gone.get(bucket, 0) for bucket, count in durations.items()}
    return {bucket: count for bucket, count in left.items() if count > 0}
