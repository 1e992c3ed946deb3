"""Everything there is in one schedule: processes, an engine, a clock, and what happens to them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from random import Random

from fanfold.domain import records
from fanfold.domain.batch import Batch
from fanfold.engines.embedded import queue
from fanfold.folds.result import Result
from fanfold.ports import MAX_DELIVERIES, Ports, Station
from fanfold.steps.policy import Policy
from fanfold.testing.clock import StillClock
from fanfold.testing.simulation.actors import Process
from fanfold.testing.simulation.children import Children
from fanfold.testing.simulation.engine import MemoryEngine, SeededIds
from fanfold.testing.simulation.flow import Hooks, Scripted
from fanfold.testing.simulation.followers import Followers
from fanfold.testing.simulation.model import Executing, Model
from fanfold.testing.simulation.plan import Act, Mishap, Plan, plan_of
from fanfold.testing.simulation.proxies import simulated
from fanfold.testing.simulation.rest import Rest
from fanfold.testing.simulation.schedule import ENDED, HUNG, Schedule
from fanfold.testing.simulation.tables import Tables
from fanfold.testing.simulation.user import User
from fanfold.testing.simulation.worker import KEEP, TIME, Worker

_LEASE_SECONDS = 30.0
_VIEW_SECONDS = 0.5


class Life:
    """Everything there is in one schedule."""

    def __init__(self, seed: int, engine: MemoryEngine, scripted: Scripted) -> None:
        self._random = Random(seed)
        plan = plan_of(seed, self._random)
        self.schedule = Schedule(plan, self._random)
        self._engine = engine
        self._scripted = scripted
        self._clock = StillClock()
        self._ids = SeededIds(self._random)
        self._policy = _policy_of(plan)
        self._tables = Tables(engine.database)
        followers = Followers(self.schedule)
        children = Children(self.schedule)
        self.model = Model(self.schedule, self._tables, self._clock, followers, children)
        self._watch = self.model.watch()
        self._watch.after["queue.publish"] = lambda _, station, *__: self.schedule.stir(station)
        self._watch.after["queue.release"] = self._has_released
        self._watch.after["queue.bury"] = lambda *_: self.schedule.stir(Station.DEAD_LETTERS)
        self._watch.after["batches.amend"] = self._has_batch
        self._watch.after["batches.reopen"] = self._has_reopened
        self._workers: list[Worker] = []
        self._started = 0
        self._deaths = 0
        #: whether the next flow's code is to hang
        self._hangs = False
        #: whether somebody may have published already
        self._is_under_way = False

    def run(self) -> None:
        plan, schedule = self.schedule.plan, self.schedule
        schedule.on_death, schedule.on_mishap = self._has_died, self._meet
        self._scripted.hooks = Hooks(self._begins, self._ends, self._folds, schedule.turn)
        self._executing: dict[object, Executing] = {}
        found = self._scripted.exclusive if plan.exclusive else self._scripted.shared
        process = Process("user")
        self._user = User(
            self._ports(process), schedule, found.ref, unfolded=self._scripted.unfolded.ref
        )
        schedule.start(process, "", self._user.begin, on_its_own=True)
        for _ in range(plan.processes):
            self._start_worker()
        self._is_under_way = True
        rest = Rest(
            schedule,
            self.model,
            self._tables,
            self._clock,
            self._engine.ports("nobody", self._clock, self._ids),
            sweep_seconds=self._policy.quiet_seconds,
            pass_=self._pass,
            resume=self._resume,
        )
        with _small_pages(plan.page):
            schedule.run(rest)

    def forget(self) -> None:
        """All of it, at once: what refers to each other would wait for the collector."""
        self.schedule.forget()
        for worker in self._workers:
            worker.forget()
        vars(self).clear()

    def _ports(self, process: Process) -> Ports:
        ports = self._engine.ports(process.name, self._clock, self._ids)
        return simulated(ports, self.schedule, self._watch)

    def _start_worker(self) -> None:
        self._started += 1
        process = Process(f"worker-{self._started}")
        library = self._scripted.library
        worker = Worker(process, self._ports(process), self._policy, library, self.schedule)
        self._workers.append(worker)
        worker.start(looks=self._is_under_way)

    def _resume(self) -> None:
        """Whoever paused it may have died since."""
        self.schedule.tell("the user comes back")
        process = Process("user")
        user = User(
            self._ports(process),
            self.schedule,
            self._scripted.shared.ref,
            unfolded=self._scripted.unfolded.ref,
            acts=[Act(0, "resume")],
        )
        self.schedule.start(process, "", user.go_on, on_its_own=True)

    # ------------------------------------------------ what happens around

    def _has_died(self, process: Process) -> None:
        self.model.dies(process)
        if self.schedule.plan.reaps:
            self._engine.registry.living.discard(process.name)
        if process.name != "user":
            self._start_worker()
        self._deaths += 1

    def _pass(self, seconds: float) -> None:
        self._clock.pass_(seconds)
        if self._deaths and self.schedule.plan.reaps:
            self.schedule.stir_all()  # whoever pulls finds the dead
            return
        self.schedule.stir(TIME)
        for station in self._tables.stations(self._clock.now()):
            self.schedule.stir(station)

    def _has_batch(self, batch: Batch, *_: object) -> None:
        self.model.has_batch(batch)
        if batch.ended:
            self.schedule.stir(ENDED)

    def _has_reopened(self, batch: Batch, *_: object) -> None:
        self.model.has_batch(batch)
        self.schedule.stir(HUNG)

    def _has_released(self, _: object, deliveries: list[object], delay: float = 0.0) -> None:
        if not delay:
            for it in {delivery.station for delivery in deliveries}:  # type: ignore[attr-defined]
                self.schedule.stir(it)

    def _meet(self, mishap: Mishap) -> str:
        """What it came to, if to anything."""
        schedule, clock = self.schedule, self._clock
        match mishap.kind:
            case "moment":
                clock.pass_(_VIEW_SECONDS * 0.4 + schedule.random())
                return "a moment passes"
            case "minute":
                self._pass(queue.LEASE_SECONDS + 1)
                return "a minute passes"
            case "lease":
                station = self._tables.end_a_lease(clock.now(), schedule.random())
                if station is None:
                    return ""
                schedule.stir(station)
                return f"a message of {station} comes again"
            case "worn":
                return self._wear_out()
            case "sweep":
                return "the sweep comes by" if schedule.stir(TIME) else ""
            case "keep":
                return self._keepers_come_by()
            case "hang":
                self._hangs = True
            case _:
                raise ValueError(f"{mishap.kind} is met elsewhere")
        return ""

    def _wear_out(self) -> str:
        station = self._tables.wear_out(MAX_DELIVERIES, self.schedule.random())
        if station is None:
            return ""
        if station != Station.RUNS:
            self.schedule.sweep_must_mend = True
        return f"a message of {station} is worn out"

    def _keepers_come_by(self) -> str:
        names = [f"{KEEP} worker-{it + 1}" for it in range(self._started)]
        return "what executes is leased" if sum(map(self.schedule.stir, names)) else ""

    # -------------------------------------------------------------- flows

    def _begins(self, index: int) -> None:
        actor = self.schedule.current
        self._executing[actor] = self.model.begins(index, exclusive=self.schedule.plan.exclusive)
        schedule, mishap = self.schedule, ""
        if self._hangs:
            self._hangs, mishap = False, "hang"
            schedule.happened.append(mishap)
        schedule.log.append((schedule.steps, actor, "runs the flow", (index,), mishap))  # type: ignore[arg-type]
        if mishap:
            schedule.sleep(HUNG)
        schedule.turn()

    def _ends(self, _: int) -> None:
        executing = self._executing.pop(self.schedule.current, None)
        if executing is not None:
            self.model.ends(executing)

    def _folds(self, results: list[Result]) -> None:
        self.schedule.turn()
        self.model.folds(results)


def _policy_of(plan: Plan) -> Policy:
    return Policy(
        group=plan.group,
        group_most=plan.group,
        settles_itself=True,
        slow_commit_seconds=inf,
        lease_after=0.0,
        lease_seconds=_LEASE_SECONDS,
        wait_in_place=0.0,
        view_seconds=_VIEW_SECONDS,
        fan_out_seconds=inf,
        claim_seconds=50.0,
        quiet_seconds=30.0,
    )


@contextmanager
def _small_pages(size: int) -> Iterator[None]:
    """So that a batch of a few records has several."""
    before = records.MAX_PAGE_RECORDS
    records.MAX_PAGE_RECORDS = size
    try:
        yield
    finally:
        records.MAX_PAGE_RECORDS = before
