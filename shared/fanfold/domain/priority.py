"""The class of a batch: whose records come first where records of several batches are ready."""

from __future__ import annotations

from enum import StrEnum


class Priority(StrEnum):
    """In the order they are taken."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 comes first. It is stored: a rank never changes its meaning."""
        return PRIORITIES.index(self)


PRIORITIES = tuple(Priority)
