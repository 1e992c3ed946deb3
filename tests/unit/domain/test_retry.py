from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.domain.outcome import (
    Attempt,
    Blame,
    Canceled,
    Died,
    Failed,
    Failure,
    Interrupted,
    MemoryExceeded,
    Raised,
    Returned,
    Succeeded,
    TimedOut,
    Value,
)
from fanfold.domain.retry import RATE_LIMIT_PATIENCE, Again, RetryPolicy, Settle, Wait, decide

POLICY = RetryPolicy(retries=2, base=4.0, cap=60.0)


def raised(blame: Blame, after: float | None = None) -> Raised:
    return Raised(Failure(blame, "SomeError", "no luck"), after)


def decided(attempt: Attempt, attempts: int = 1, rate_limited: int = 0) -> Settle | Again | Wait:
    return decide(
        attempt,
        attempts=attempts,
        rate_limited=rate_limited,
        policy=POLICY,
        uniform=lambda: 0.5,
    )


def test_what_was_returned_is_the_output() -> None:
    assert decided(Returned('{"a":1}')) == Settle(Succeeded(Value(text='{"a":1}')))


def test_who_was_told_to_stop_is_canceled_not_failed() -> None:
    assert decided(Interrupted("the batch was canceled")) == Settle(
        Canceled("the batch was canceled")
    )


def test_a_record_that_kills_its_process_is_not_tried_again() -> None:
    settled = decided(Died("killed by signal 9"))
    assert isinstance(settled, Settle)
    assert isinstance(settled.outcome, Failed)
    assert settled.outcome.failure == Failure(Blame.DIED, "ProcessDied", "killed by signal 9")


def test_a_record_that_needs_too_much_memory_is_not_tried_again() -> None:
    settled = decided(MemoryExceeded(512 * 1024**2, "where"))
    told = Failure(Blame.MEMORY, "MemoryExceeded", "needed more memory than its 512 MiB", "where")
    assert settled == Settle(Failed(told))


@pytest.mark.parametrize("attempt", [raised(Blame.ERROR), TimedOut(5.0)])
@pytest.mark.parametrize(("attempts", "delay"), [(1, 2.0), (2, 4.0)])
def test_an_error_is_tried_again_while_attempts_are_left(
    attempt: Attempt, attempts: int, delay: float
) -> None:
    again = decided(attempt, attempts=attempts)
    assert isinstance(again, Again)
    assert (again.delay, again.burns) == (delay, True)


@pytest.mark.parametrize("attempt", [raised(Blame.ERROR), raised(Blame.ERROR, 9.0), TimedOut(5.0)])
@pytest.mark.parametrize("attempts", [3, 4])
def test_an_error_fails_once_no_attempt_is_left(attempt: Attempt, attempts: int) -> None:
    settled = decided(attempt, attempts=attempts)
    assert isinstance(settled, Settle)
    assert isinstance(settled.outcome, Failed)


def test_a_timeout_says_how_long_it_was() -> None:
    settled = decided(TimedOut(2.5), attempts=3)
    assert settled == Settle(Failed(Failure(Blame.TIMEOUT, "Timeout", "ran longer than its 2.5 s")))


def test_a_flow_may_say_when_to_try_again() -> None:
    again = decided(raised(Blame.ERROR, after=90.0))
    assert isinstance(again, Again)
    assert again.delay == 90.0


@pytest.mark.parametrize("after", [0.0, 30.0])
@pytest.mark.parametrize("attempts", [1, 3, 50])
def test_being_rate_limited_burns_no_attempt(attempts: int, after: float) -> None:
    again = decided(raised(Blame.RATE_LIMITED, after), attempts=attempts)
    assert isinstance(again, Again)
    assert (again.delay, again.burns) == (after, False)


def test_being_rate_limited_without_a_time_waits_a_second() -> None:
    again = decided(raised(Blame.RATE_LIMITED))
    assert isinstance(again, Again)
    assert again.delay == 1.0


def test_being_rate_limited_for_ever_is_failing() -> None:
    attempt = raised(Blame.RATE_LIMITED, 1.0)
    assert isinstance(decided(attempt, rate_limited=RATE_LIMIT_PATIENCE - 1), Again)
    assert decided(attempt, rate_limited=RATE_LIMIT_PATIENCE) == Settle(Failed(attempt.failure))


@pytest.mark.parametrize(
    "blame", [it for it in Blame if it not in (Blame.ERROR, Blame.RATE_LIMITED)]
)
def test_what_no_attempt_can_mend_fails_at_once(blame: Blame) -> None:
    attempt = raised(blame)
    assert decided(attempt, attempts=1) == Settle(Failed(attempt.failure))


@given(
    attempts=st.integers(1, 10**9),
    base=st.floats(0, 1e300),
    cap=st.floats(0, 1e6),
    luck=st.floats(0, 1, exclude_max=True),
)
def test_the_wait_is_never_longer_than_the_cap(
    attempts: int, base: float, cap: float, luck: float
) -> None:
    wait = RetryPolicy(base=base, cap=cap).backoff(attempts, lambda: luck)
    assert 0 <= wait <= cap
    assert math.isfinite(wait)


@pytest.mark.parametrize(
    ("attempts", "longest"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 3.0), (9, 3.0)]
)
def test_the_wait_may_be_anything_up_to_twice_the_last_one_until_the_cap(
    attempts: int, longest: float
) -> None:
    policy = RetryPolicy(base=0.5, cap=3.0)
    assert policy.backoff(attempts, lambda: 0.0) == 0.0
    assert policy.backoff(attempts, lambda: 0.25) == longest / 4
    assert policy.backoff(attempts, lambda: 1.0) == longest


def test_no_retries_means_one_attempt() -> None:
    settled = decide(
        raised(Blame.ERROR),
        attempts=1,
        rate_limited=0,
        policy=RetryPolicy(retries=0),
        uniform=lambda: 0.5,
    )
    assert isinstance(settled, Settle)
