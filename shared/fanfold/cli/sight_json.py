"""A sight as one JSON object: all that the page shows, in full."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fanfold.cli.report import percentiles_as_json, status_as_json, three_digits

if TYPE_CHECKING:
    from fanfold.cli.sight import Sight
    from fanfold.domain.run import Run


def sight_as_json(sight: Sight) -> dict[str, Any]:
    """What `fanfold status --json` says, but for the output, and what is of the moment."""
    status = status_as_json(sight.status, None)
    del status["output"]
    return {
        **status,
        "rate": _short(sight.rate),
        "mean_rate": _short(sight.mean),
        "seconds_left": _short(sight.left),
        "durations": _durations(sight),
        "slowest": [_run(it) for it in sight.slowest],
    }


def _durations(sight: Sight) -> dict[str, Any]:
    """The longest is known exactly; a bucket by its middle."""
    from fanfold.domain.durations import middle_of

    buckets = sight.status.tally.durations
    longest = sight.slowest[0].seconds if sight.slowest else None
    return {
        **percentiles_as_json(buckets, longest),
        "max": _short(longest),
        "buckets": [
            {"seconds": three_digits(middle_of(it)), "runs": buckets[it]} for it in sorted(buckets)
        ],
    }


def _run(run: Run) -> dict[str, Any]:
    return {
        "index": run.index,
        "key": run.key,
        "status": str(run.state),
        "seconds": _short(run.seconds),
        "attempts": run.attempts,
    }


def _short(number: float | None) -> float | None:
    return None if number is None else three_digits(number)
