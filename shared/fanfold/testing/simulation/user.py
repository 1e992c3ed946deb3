"""The user: creates the batch and does what the plan says, each thing after so many steps.

Whoever is told that it failed, but not why, does it again; what is refused is left.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fanfold.domain.flow import FlowRef
from fanfold.domain.options import BatchOptions
from fanfold.domain.run import RunState
from fanfold.errors import EngineError, FanfoldError
from fanfold.ports import Ports
from fanfold.sources.iterable import from_iterable
from fanfold.steps.change import change
from fanfold.steps.create_batch import BatchRequest, create_batch
from fanfold.steps.pause import pause, resume
from fanfold.steps.retry import Selection, retry
from fanfold.steps.stop import cancel, wind_down
from fanfold.testing.simulation.followers import id_of, options_of, request_of
from fanfold.testing.simulation.plan import Act
from fanfold.testing.simulation.schedule import ENDED, USER, Schedule

_STATES: dict[str, frozenset[RunState]] = {
    "failed": frozenset({RunState.FAILED}),
    "succeeded": frozenset({RunState.SUCCEEDED}),
    "canceled": frozenset({RunState.CANCELED, RunState.SKIPPED}),
    "all": frozenset(),
}
#: the same in every schedule
BATCH_ID = id_of(0)


class User:
    def __init__(
        self,
        ports: Ports,
        schedule: Schedule,
        ref: FlowRef,
        *,
        unfolded: FlowRef,
        acts: list[Act] | None = None,
    ) -> None:
        """`unfolded`: the flow of batches that have no records."""
        self._ports = ports
        self._schedule = schedule
        self._ref, self._unfolded = ref, unfolded
        self.left = list(schedule.plan.acts) if acts is None else acts
        self.batch_id = BATCH_ID

    def begin(self) -> None:
        """Create it and those that come after it, and go on."""
        plan = self._schedule.plan
        records = [
            {"n": n, "do": fate, "p": n * 3 % 4, "items": items}
            for n, (fate, items) in enumerate(zip(plan.fates, plan.items, strict=True))
        ]
        self._create(0, self._ref, plan.options, records)
        for number, it in enumerate(plan.followers, 1):
            self._create(number, self._unfolded, options_of(it), [])
        self.go_on()

    def _create(
        self, number: int, ref: FlowRef, options: dict[str, Any], records: list[Any]
    ) -> None:
        request = BatchRequest(
            ref, BatchOptions(**options), "simulation", request_id=request_of(number)
        )
        self._insist(
            lambda: create_batch(
                self._ports, request, lambda: from_iterable(records, name="simulation")
            )
        )

    def go_on(self) -> None:
        while self.left:
            if self._schedule.steps < self._schedule.era_began + self.left[0].step:
                self._schedule.sleep(USER)
            act = self.left.pop(0)
            self._insist(lambda act=act: self._act(act))  # type: ignore[misc]

    def _insist(self, work: Callable[[], object]) -> None:
        for _ in range(3):
            try:
                work()
            except EngineError:
                continue
            except FanfoldError as error:
                self._schedule.tell(f"the user is told: {type(error).__name__}")
            return

    def _act(self, act: Act) -> None:
        if self._do(act):
            self._schedule.happened.append(f"user: {act.verb}")

    def _do(self, act: Act) -> bool:
        """Whether that changed anything."""
        ports, batch_id = self._ports, self.batch_id
        match act:
            case Act(verb="pause"):
                pause(ports, batch_id)
            case Act(verb="resume"):
                resume(ports, batch_id)
            case Act(verb="limit", value=int(limit)):
                change(ports, batch_id, {"concurrency": limit})
            case Act(verb="cancel"):
                cancel(ports, batch_id)
            case Act(verb="wind down", value=int(seconds)):
                wind_down(ports, batch_id, grace=float(seconds))
            case Act(verb="retry", value=str(again)):
                while not ports.batches.get(batch_id).ended:
                    self._schedule.sleep(ENDED)
                self._schedule.begin_era()
                return retry(ports, batch_id, Selection(_STATES[again])).records > 0
            case _:
                raise ValueError(f"there is no such act: {act}")
        return True
