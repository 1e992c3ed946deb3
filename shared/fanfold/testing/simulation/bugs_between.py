"""Bugs in how batches find each other: those that come after others, and those of a run's items."""

from __future__ import annotations

from typing import Any

from fanfold.domain import following
from fanfold.domain.batch import Batch
from fanfold.steps import finalize as finalize_steps
from fanfold.steps import suspend as suspend_steps
from fanfold.steps.children import wake_parent
from fanfold.steps.tell import tell
from fanfold.testing.simulation.bug import Bug, nothing
from fanfold.worker import desk


def _tells_no_followers(_: Any) -> Any:
    def follow_up(ports: Any, policy: Any, ended: Batch) -> None:
        tell(ports, ended)
        wake_parent(ports, policy, ended)

    return follow_up


def _passes_over_what_has_ended(right: Any) -> Any:
    def finalize(ports: Any, policy: Any, flows: Any, message: Any, **rest: Any) -> float:
        if ports.batches.get(message.batch_id).ended:
            return 0.0
        return float(right(ports, policy, flows, message, **rest))

    return finalize


def _takes_any_end(right: Any) -> Any:
    def outlook(batch: Batch, others: Any) -> Any:
        seen = right(batch, others)
        return following.Due() if isinstance(seen, following.Missed) else seen

    return outlook


_NO_SWEEP = "nothing needs the sweep that has a message"
_STOPPED = "what is stopped stops all below it"

BETWEEN: tuple[Bug, ...] = (
    Bug(
        "an end that does not look for its followers",
        _NO_SWEEP,
        (finalize_steps, "_follow_up", _tells_no_followers),
    ),
    Bug(
        "an end that is delivered again and passed over",
        _NO_SWEEP,
        (desk, "finalize", _passes_over_what_has_ended),
        seen_at=1482,
    ),
    Bug(
        "any end taken for a success",
        "a batch waits for those it comes after",
        (following, "outlook", _takes_any_end),
    ),
    Bug("items whose end wakes nobody", _NO_SWEEP, (finalize_steps, "wake_parent", nothing)),
    Bug(
        "a wait that does not look whether its items have ended",
        _NO_SWEEP,
        (suspend_steps, "look_at_children", nothing),
    ),
    Bug(
        "a stop that leaves the items",
        _STOPPED,
        (finalize_steps, "stop_children", nothing),
        seen_at=181,
    ),
)
