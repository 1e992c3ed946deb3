"""How fast a batch went since somebody began to look: in bounded memory, however long that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fanfold.steps.status import Status

_MARKS = 120


class History:
    """Marks of what was settled when, `step` seconds apart. When there are too many, every second
    one goes and the step doubles: an hour is drawn as coarsely as it is wide."""

    def __init__(self, step: float = 1.0) -> None:
        self.step = step
        self._marks: list[tuple[float, int]] = []

    def see(self, status: Status) -> None:
        marks = self._marks
        if marks and status.seconds - marks[-1][0] < self.step:
            return
        marks.append((status.seconds, status.counts.settled))
        if len(marks) > _MARKS:
            self._marks = marks[::2]
            self.step *= 2

    @property
    def watched(self) -> float:
        """The seconds between the first mark and the last."""
        return self._marks[-1][0] - self._marks[0][0] if self._marks else 0.0

    @property
    def rates(self) -> tuple[float, ...]:
        """Records a second between the marks, the oldest first."""
        return tuple(
            max(0, many - few) / (now - before)
            for (before, few), (now, many) in zip(self._marks, self._marks[1:], strict=False)
        )
