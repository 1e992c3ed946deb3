"""What to do after an attempt: settle the run, or try again and when.

Back-off is capped exponential with full jitter: before attempt n+1 the wait is uniform in
[0, min(cap, base · 2^(n-1))], so that a thousand runs that failed together do not come back
together.

| the attempt            | then                                                             |
|------------------------|------------------------------------------------------------------|
| returned               | succeeded                                                        |
| raised, or Retryable   | again while attempts are left; after `after` if it said so       |
| RateLimited            | again after `retry_after`, burning no attempt, up to a patience  |
| Permanent, bad input   | failed                                                           |
| Fatal                  | failed, and the batch ends                                       |
| timed out              | again while attempts are left                                    |
| exceeded its memory    | failed: alone in its process, it would need as much once more     |
| its process died       | failed: it was alone in there, so it was the record's own doing  |
| told to stop           | canceled                                                         |
| waits                  | waits, burning no attempt                                        |
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from fanfold.domain.amounts import size_text
from fanfold.domain.outcome import (
    Attempt,
    Blame,
    Canceled,
    Died,
    Failed,
    Failure,
    Interrupted,
    MemoryExceeded,
    Outcome,
    Raised,
    Returned,
    Succeeded,
    TimedOut,
    Value,
    Waits,
)

#: How often a run may be told to slow down before that counts as failing.
RATE_LIMIT_PATIENCE = 1000
#: The longest wait a flow may ask for: 30 days.
MAX_DELAY = 30 * 86_400.0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    #: attempts after the first
    retries: int = 3
    #: seconds: the longest wait before the first retry
    base: float = 0.5
    #: seconds: the longest wait before any retry
    cap: float = 60.0

    def backoff(self, attempts: int, uniform: Callable[[], float]) -> float:
        """Seconds to wait after `attempts` attempts; `uniform` gives a number in [0, 1)."""
        # the exponent is bounded so that a float never overflows
        return uniform() * min(self.cap, self.base * 2.0 ** min(attempts - 1, 60))


@dataclass(frozen=True, slots=True)
class Settle:
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Again:
    delay: float
    #: whether the attempt counts; being rate limited does not
    burns: bool
    #: why, for the log
    failure: Failure


@dataclass(frozen=True, slots=True)
class Wait:
    """For somebody, or something, outside of the run."""

    attempt: Waits


def decide(
    attempt: Attempt,
    *,
    attempts: int,
    rate_limited: int,
    policy: RetryPolicy,
    uniform: Callable[[], float],
) -> Settle | Again | Wait:
    """`attempts` counts the burnt ones, this one included; `rate_limited` the others before it."""
    match attempt:
        case Returned(output):
            return Settle(Succeeded(Value(text=output)))
        case Interrupted(reason):
            return Settle(Canceled(reason))
        case Waits():
            return Wait(attempt)
        case Died(reason):
            return Settle(Failed(Failure(Blame.DIED, "ProcessDied", reason)))
        case MemoryExceeded(limit, traceback):
            message = f"needed more memory than its {size_text(limit)}"
            return Settle(Failed(Failure(Blame.MEMORY, "MemoryExceeded", message, traceback)))
        case TimedOut(seconds):
            failure = Failure(Blame.TIMEOUT, "Timeout", f"ran longer than its {seconds:g} s")
            return _again_or_failed(failure, None, attempts, policy, uniform)
        case Raised(failure, after):
            match failure.blame:
                case Blame.RATE_LIMITED if rate_limited < RATE_LIMIT_PATIENCE:
                    delay = 1.0 if after is None else _sane(after)
                    return Again(delay, burns=False, failure=failure)
                case Blame.ERROR:
                    return _again_or_failed(failure, after, attempts, policy, uniform)
                case _:
                    return Settle(Failed(failure))
        case _:
            assert_never(attempt)


def _sane(seconds: float) -> float:
    """What a flow asked for, within reason: a header it was computed from may be nonsense."""
    return min(max(seconds, 0.0), MAX_DELAY) if seconds == seconds else 0.0


def _again_or_failed(
    failure: Failure,
    after: float | None,
    attempts: int,
    policy: RetryPolicy,
    uniform: Callable[[], float],
) -> Settle | Again:
    if attempts > policy.retries:
        return Settle(Failed(failure))
    delay = policy.backoff(attempts, uniform) if after is None else _sane(after)
    return Again(delay, burns=True, failure=failure)
