"""A simulated worker process: the real worker's parts, and a greenlet for each of its threads.

| greenlet     | in the place of                   | what of the real one does the work           |
|--------------|-----------------------------------|----------------------------------------------|
| intake       | the intake's thread               | Intake.take: views, admit, ways out          |
| lane         | a lane's thread, one for each run | Lanes.carry_out: resolve, the flow, conclude |
| settler      | the settler's thread              | Settler.work_off: Landing, Gathering, Duty   |
| keeper       | the keeper's thread               | Keeper.look: leases of what executes         |
| a clerk for  | the clerks' threads               | Desk.serve                                   |
| each station |                                   |                                              |
| sweeper      | the clerk's rounds                | end_if_done, wake_due, sweep                 |

What those threads wait for (a tick, a gather time) is time, of which there is none here: a greenlet
comes when the seed says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TypeVar, cast

from fanfold.domain.outcome import Attempt
from fanfold.execution.call import Call
from fanfold.execution.invoke import Invoker
from fanfold.execution.isolation import Isolation
from fanfold.execution.library import Library
from fanfold.ports import Ports, Station
from fanfold.steps.ask import Duty
from fanfold.steps.policy import Policy
from fanfold.steps.sweep import Memory, go_round, sweep
from fanfold.steps.views import Views
from fanfold.testing.simulation.actors import CooperativeLock, GreenletExit, Process
from fanfold.testing.simulation.schedule import Schedule
from fanfold.worker.bounds import USUAL
from fanfold.worker.desk import Desk
from fanfold.worker.hand import Hand
from fanfold.worker.intake import Intake
from fanfold.worker.keeper import Keeper
from fanfold.worker.lanes import Lanes
from fanfold.worker.pacing import Pacing
from fanfold.worker.parking import Parking
from fanfold.worker.pressure import Pressure
from fanfold.worker.ready import Item, Ready
from fanfold.worker.stopping import Stopping
from fanfold.worker.ways_out import WaysOut

T = TypeVar("T")

#: what sleepers wait for, beside the stations
TIME, KEEP = "time", "keep"
_SETTLE = "settle"
_DESK = (Station.FAN_OUT, Station.FINALIZATIONS, Station.DEAD_LETTERS)
#: how likely a fan-out finds after a page that it is out of time
_OUT_OF_TIME = 0.15


def _not_renewed(*_: object) -> AbstractContextManager[None]:
    """So every fold is too slow for its claim once a minute passes: somebody takes it over."""
    return nullcontext()


class _Here:
    """Runs alone what is to run alone, but in this process: no schedule kills a child of its."""

    def run(self, call: Call) -> tuple[Attempt, float]:
        return Invoker().attempt(call), 0.0


class Worker:
    def __init__(
        self,
        process: Process,
        ports: Ports,
        policy: Policy,
        library: Library,
        schedule: Schedule,
    ) -> None:
        self.process = process
        self._ports = ports
        self._policy = policy
        self._schedule = schedule
        self._memory = Memory()
        #: whether runs have ended since the settler looked
        self._has_outcomes = False
        self._hand, self._ready, self._parking = Hand(), Ready(1), Parking()
        duty, stopping = Duty(), Stopping()
        views = Views(
            ports,
            policy,
            library,
            monotonic=ports.clock.now,
            lock=CooperativeLock(schedule.give_way),
        )
        out = WaysOut(ports, duty, self._hand)
        # no schedule has a rate: nobody ever waits here
        pacing = Pacing(ports, policy, views, self._parking, out)
        self._lanes = Lanes(
            ports,
            policy,
            views,
            cast(Isolation, _Here()),
            count=0,
            hand=self._hand,
            duty=duty,
            out=out,
            ready=self._ready,
            parking=self._parking,
            pacing=pacing,
            stopping=stopping,
        )
        self._intake = Intake(
            ports,
            policy,
            views,
            hand=self._hand,
            duty=duty,
            out=out,
            ready=self._ready,
            lanes=self._lanes,
            pacing=pacing,
            stopping=stopping,
            bounds=USUAL,
            pressure=Pressure([]),
        )
        self._keeper = Keeper(ports, policy, views, self._hand, self._parking, self._lanes.unpark)
        self._desk = Desk(
            ports, policy, library, lambda: schedule.random() < _OUT_OF_TIME, _not_renewed
        )

    def start(self, *, looks: bool) -> None:
        """`looks`: whether there may be messages already."""
        start, process = self._schedule.start, self.process
        start(process, "intake", self._take_in, asleep="" if looks else Station.RUNS)
        start(process, "settler", self._settle, asleep=self._key(_SETTLE))
        start(process, "keeper", self._keep, asleep=self._key(KEEP))
        for it in _DESK:
            start(process, str(it), partial(self._serve, it), asleep="" if looks else it)
        start(process, "sweeper", self._go_round, on_its_own=True, asleep=TIME)

    def forget(self) -> None:
        """All of it, at once: the lanes and their settler know each other."""
        vars(self._lanes).clear()
        vars(self).clear()

    # --------------------------------------------------------- greenlets

    def _take_in(self) -> None:
        schedule = self._schedule
        while True:
            deliveries = self._tried(
                lambda: self._ports.queue.pull(Station.RUNS, 1 + int(4 * schedule.random()))
            )
            if deliveries:
                self._tried(partial(self._intake.take, deliveries))
                self._begin_runs()
            elif deliveries is not None:
                schedule.sleep(Station.RUNS)

    def _begin_runs(self) -> None:
        while (item := self._ready.take()) is not None:
            name, message = f"lane {item[0].index}", item[0].message
            actor = self._schedule.start(self.process, name, partial(self._run, item))
            actor.generation = message.generation

    def _run(self, item: Item) -> None:
        self._lanes.carry_out(item)
        self._check_alive()
        self._has_outcomes = True
        self._schedule.stir(self._key(_SETTLE))
        if len(self._parking):
            self._schedule.stir(self._key(KEEP))

    def _settle(self) -> None:
        while True:
            while self._has_outcomes:  # more may come while some are being settled
                self._has_outcomes = False
                self._lanes.settle([], 0.0, here=True)
                self._check_alive()
            self._schedule.sleep(self._key(_SETTLE))

    def _keep(self) -> None:
        while True:
            self._tried(lambda: self._lanes.unpark(self._parking.due()))
            self._begin_runs()
            self._tried(lambda: self._keeper.look(math.inf))
            if not len(self._parking):
                self._schedule.sleep(self._key(KEEP))

    def _serve(self, station: Station) -> None:
        while True:
            deliveries = self._tried(lambda: self._ports.queue.pull(station, 1))
            if deliveries == []:
                self._schedule.sleep(station)
            for delivery in deliveries or []:
                self._hand.take([delivery])
                self._tried(partial(self._desk.serve, delivery))
                self._hand.drop([delivery])

    def _go_round(self) -> None:
        while True:
            self._tried(lambda: go_round(self._ports, self._policy))
            self._tried(lambda: sweep(self._ports, self._policy, self._memory))
            self._schedule.sleep(TIME)

    # ------------------------------------------------------------ others

    def _tried(self, work: Callable[[], T]) -> T | None:
        """As the real loops, which outlive whatever happens."""
        try:
            return work()
        except Exception as error:  # noqa: BLE001  tried again later, as there
            self._schedule.tell(f"{self.process.name} tries again after {type(error).__name__}")
            return None
        finally:
            self._check_alive()

    def _check_alive(self) -> None:
        if not self.process.alive:
            raise GreenletExit

    def _key(self, what: str) -> str:
        return f"{what} {self.process.name}"
