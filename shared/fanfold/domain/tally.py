"""A batch's counters, and why they can be believed.

Settling creates a run's document and adds to one *slot* in the same commit: a record is counted
with its result, in the same instant, once. Slots only ever grow; their sum is the tally.

                    ┌ slot 0: succeeded failed … waits woken digest ┐
    settle ──blind──▶ slot 1                                        ├─ sum ─▶ Tally ──▶ Counts
                    └ slot S-1                                      ┘

- *Stale reads are safe.* A sum read too early is only ever too small, so completion is found late,
  never early, and the frontier releases too little, never too much.
- *Waiting* is the difference of two numbers that grow: how often a run was put to wait, how often
  one was woken.
- *Closing* reads the slots and deletes them in the transaction that writes the closed counts. What
  arrives later finds no slot and is refused, without anyone having to check.
- *The digest* (domain.digest) tells which records were counted: equal total and equal digest prove
  that the settled records are exactly the batch's.

What crashes: nothing here; a commit is whole or absent. A reply that is lost makes the committer
try again and find the documents there, which is why nothing is ever counted without creating.

Counts are conserved at every moment somebody looks:
total = queued + running + waiting + succeeded + failed + canceled + skipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from fanfold.domain.digest import mix
from fanfold.domain.durations import Durations, add_durations, bucket_of
from fanfold.domain.fingerprint import pattern_of
from fanfold.domain.outcome import Failed
from fanfold.domain.run import Run, RunState, state_of

MAX_ERROR_GROUPS = 50
#: Failures beyond the groups that are kept are counted here.
OTHER = "other"


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    fingerprint: str
    count: int
    type: str
    #: the message with its varying parts replaced
    pattern: str
    #: one of them, whole
    example: str
    #: the record it came from
    example_index: int

    def __add__(self, other: ErrorGroup) -> ErrorGroup:
        return replace(self, count=self.count + other.count)


@dataclass(frozen=True, slots=True)
class Tally:
    succeeded: int = 0
    failed: int = 0
    canceled: int = 0
    skipped: int = 0
    waits: int = 0
    woken: int = 0
    attempts: int = 0
    seconds: float = 0.0
    digest: int = 0
    errors: Mapping[str, ErrorGroup] = field(default_factory=dict)
    #: how long its runs took
    durations: Durations = field(default_factory=dict)
    #: what settling them took: commits, those that had to be made again, groups that were halved to
    #: find a culprit, seconds that the first outcomes of groups waited for the others
    commits: int = 0
    repeats: int = 0
    halvings: int = 0
    gathered: float = 0.0
    #: how many slots there are
    slots: int = 0
    #: what flows say that they have cost (domain.money)
    spent: int = 0

    @property
    def settled(self) -> int:
        return self.succeeded + self.failed + self.canceled + self.skipped

    @property
    def waiting(self) -> int:
        return self.waits - self.woken

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.succeeded + other.succeeded,
            self.failed + other.failed,
            self.canceled + other.canceled,
            self.skipped + other.skipped,
            self.waits + other.waits,
            self.woken + other.woken,
            self.attempts + other.attempts,
            self.seconds + other.seconds,
            self.digest + other.digest,
            add_errors(self.errors, other.errors),
            add_durations(self.durations, other.durations),
            self.commits + other.commits,
            self.repeats + other.repeats,
            self.halvings + other.halvings,
            self.gathered + other.gathered,
            self.slots + other.slots,
            self.spent + other.spent,
        )


def add_errors(
    known: Mapping[str, ErrorGroup], more: Mapping[str, ErrorGroup]
) -> Mapping[str, ErrorGroup]:
    """Both, group by group; groups beyond the limit flow into `other`, so that none is lost."""
    if not more:
        return known
    merged = dict(known)
    for fingerprint, group in more.items():
        name = fingerprint
        if name not in merged and name != OTHER and _named(merged) >= MAX_ERROR_GROUPS:
            name = OTHER
            group = replace(group, fingerprint=OTHER, type=OTHER, pattern="")  # noqa: PLW2901
        merged[name] = merged[name] + group if name in merged else group
    return merged


def _named(groups: Mapping[str, ErrorGroup]) -> int:
    return len(groups) - (OTHER in groups)


def tally_of(runs: Iterable[Run]) -> Tally:
    """What settling these runs adds."""
    by_state = dict.fromkeys(RunState, 0)
    attempts, seconds, digest, spent = 0, 0.0, 0, 0
    errors: dict[str, ErrorGroup] = {}
    durations: dict[int, int] = {}
    for run in runs:
        outcome = run.outcome
        by_state[state_of(outcome)] += 1
        attempts += run.attempts
        seconds += run.seconds
        digest += mix(run.index)
        spent += run.spent
        if run.attempts:
            bucket = bucket_of(run.seconds)
            durations[bucket] = durations.get(bucket, 0) + 1
        if isinstance(outcome, Failed):
            failure = outcome.failure
            name = failure.fingerprint
            group = ErrorGroup(
                name, 1, failure.type, pattern_of(failure.message), failure.message, run.index
            )
            errors[name] = errors[name] + group if name in errors else group
    return Tally(
        succeeded=by_state[RunState.SUCCEEDED],
        failed=by_state[RunState.FAILED],
        canceled=by_state[RunState.CANCELED],
        skipped=by_state[RunState.SKIPPED],
        attempts=attempts,
        seconds=seconds,
        digest=digest,
        errors=add_errors({}, errors),
        durations=durations,
        spent=spent,
    )


@dataclass(frozen=True, slots=True)
class Counts:
    """Conserved: the parts add up to the total, always."""

    total: int = 0
    queued: int = 0
    running: int = 0
    waiting: int = 0
    succeeded: int = 0
    failed: int = 0
    canceled: int = 0
    skipped: int = 0

    @property
    def settled(self) -> int:
        return self.succeeded + self.failed + self.canceled + self.skipped


def conserve(total: int, tally: Tally, running: int = 0) -> Counts:
    """The counts for people. `total` and `running` come from other reads than the tally, a moment
    apart: what contradicts the tally gives way to it."""
    total = max(total, tally.settled)
    waiting = max(0, min(tally.waiting, total - tally.settled))
    running = max(0, min(running, total - tally.settled - waiting))
    return Counts(
        total=total,
        queued=total - tally.settled - waiting - running,
        running=running,
        waiting=waiting,
        succeeded=tally.succeeded,
        failed=tally.failed,
        canceled=tally.canceled,
        skipped=tally.skipped,
    )
