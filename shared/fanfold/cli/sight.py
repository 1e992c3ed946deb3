"""What `fanfold watch` shows of a batch at one moment, and looking for it.

Whoever watches must not slow what is watched: a look reads the counters, and no run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fanfold.cli.history import History
from fanfold.cli.pace import mean_rate
from fanfold.cli.seen import status_again
from fanfold.steps.pace import Pace

if TYPE_CHECKING:
    from fanfold.cli.slowest import Slowest
    from fanfold.domain.run import Run
    from fanfold.steps.status import Status
    from fanfold.wiring import Fanfold


@dataclass(frozen=True, slots=True)
class Sight:
    status: Status
    #: records a second: lately, and since the batch was started; None where nobody knows yet
    rate: float | None = None
    mean: float | None = None
    #: seconds to go, as far as that can be known
    left: float | None = None
    #: records a second since one began to look, `watched` seconds ago, in equal steps
    rates: tuple[float, ...] = ()
    watched: float = 0.0
    #: of the settled runs, those that took longest
    slowest: tuple[Run, ...] = ()


class Sights:
    """Looks at one batch, again and again."""

    def __init__(self, fanfold: Fanfold, batch_id: str, slowest: Slowest) -> None:
        self._fanfold = fanfold
        self._batch_id = batch_id
        self._slowest = slowest
        self._pace = Pace()
        self._history = History()

    def look(self, *, once: bool = False) -> Sight:
        """`once`: there will be no other look at which something may be known."""
        status = status_again(self._fanfold, self._batch_id)
        self._pace.see(status)
        self._history.see(status)
        ended = status.batch.ended
        return Sight(
            status,
            rate=self._pace.rate,
            mean=mean_rate(status),
            left=None if ended else self._left(status),
            rates=self._history.rates,
            watched=self._history.watched,
            slowest=self._slowest.among(status.counts.settled, wait=once or ended),
        )

    def _left(self, status: Status) -> float | None:
        """By how fast it goes now; at the first look, by how fast it went."""
        if not status.batch.sealed or status.batch.state == "paused":
            return None
        rate = mean_rate(status) if self._pace.rate is None else self._pace.rate
        return (status.counts.total - status.counts.settled) / rate if rate else None
