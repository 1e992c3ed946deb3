"""Run schedules: the same seed, the same schedule."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from math import inf
from random import Random

from fanfold import log
from fanfold.domain import records
from fanfold.domain.batch import Batch, BatchState
from fanfold.engines.embedded import queue
from fanfold.ports import MAX_DELIVERIES, Ports, Station
from fanfold.steps.policy import Policy
from fanfold.testing.clock import StillClock
from fanfold.testing.simulation.actors import Process
from fanfold.testing.simulation.engine import MemoryEngine, SeededIds
from fanfold.testing.simulation.flow import Hooks, Scripted
from fanfold.testing.simulation.model import Executing, Model
from fanfold.testing.simulation.plan import Act, Mishap, Plan, plan_of
from fanfold.testing.simulation.proxies import simulated
from fanfold.testing.simulation.rest import Rest
from fanfold.testing.simulation.schedule import ENDED, HUNG, Schedule
from fanfold.testing.simulation.tables import Tables
from fanfold.testing.simulation.user import User
from fanfold.testing.simulation.violation import Step, Violation
from fanfold.testing.simulation.worker import KEEP, TIME, Worker

_LEASE_SECONDS = 30.0
_VIEW_SECONDS = 0.5
#: schedules whose garbage is collected at once
_COLLECTED = 200


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one schedule."""

    plan: Plan
    steps: int
    #: mishaps that came about
    happened: tuple[str, ...]
    #: None: there was no batch
    state: BatchState | None
    violation: Violation | None
    #: made only for who asks
    taken: tuple[Step, ...] = field(default=(), repr=False)


class Simulator:
    """One engine, one set of flows, for any number of schedules one after the other."""

    def __init__(self) -> None:
        self._engine = MemoryEngine()
        self._scripted = Scripted()

    def run(self, seed: int, *, keep_steps: bool = False) -> Outcome:
        """`keep_steps`: tell them all, also when nothing is wrong."""
        self._engine.empty()
        with _quietly():
            life = _Life(seed, self._engine, self._scripted)
            life.run()
        schedule = life.schedule
        outcome = Outcome(
            schedule.plan,
            schedule.steps,
            tuple(schedule.happened),
            None if life.model.batch is None else life.model.batch.state,
            schedule.violation,
            schedule.steps_taken() if keep_steps else (),
        )
        schedule.forget()
        return outcome


class _Life:
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
        self.model = Model(self.schedule, self._tables, self._clock)
        self._watch = self.model.watch()
        self._watch.after["queue.publish"] = lambda _, station, *__: self.schedule.stir(station)
        self._watch.after["queue.release"] = self._has_released
        self._watch.after["queue.bury"] = lambda *_: self.schedule.stir(Station.DEAD_LETTERS)
        for verb in ("amend", "close"):
            self._watch.after[f"batches.{verb}"] = self._has_batch
        self._watch.after["batches.reopen"] = self._has_reopened
        self._started = 0
        self._deaths = 0
        #: whether the next flow's code is to hang
        self._hangs = False
        #: whether somebody may have published already
        self._is_under_way = False

    def run(self) -> None:
        plan, schedule = self.schedule.plan, self.schedule
        schedule.on_death, schedule.on_mishap = self._has_died, self._meet
        self._scripted.hooks = Hooks(self._begins, self._ends, self._folds)
        self._executing: dict[object, Executing] = {}
        found = self._scripted.exclusive if plan.exclusive else self._scripted.shared
        process = Process("user")
        self._user = User(self._ports(process), schedule, found.ref)
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

    def _ports(self, process: Process) -> Ports:
        ports = self._engine.ports(process.name, self._clock, self._ids)
        return simulated(ports, self.schedule, self._watch)

    def _start_worker(self) -> None:
        self._started += 1
        process = Process(f"worker-{self._started}")
        library = self._scripted.library
        worker = Worker(process, self._ports(process), self._policy, library, self.schedule)
        worker.start(looks=self._is_under_way)

    def _resume(self) -> None:
        """Whoever paused it may have died since."""
        self.schedule.tell("the user comes back")
        process = Process("user")
        user = User(
            self._ports(process),
            self.schedule,
            self._scripted.shared.ref,
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
                station = self._tables.wear_out(MAX_DELIVERIES, schedule.random())
                if station is None:
                    return ""
                if station != Station.RUNS:
                    schedule.sweep_must_mend = True
                return f"a message of {station} is worn out"
            case "sweep":
                return "the sweep comes by" if schedule.stir(TIME) else ""
            case "keep":
                keepers = [
                    name
                    for it in range(self._started)
                    if schedule.stir(name := f"{KEEP} worker-{it + 1}")
                ]
                return "what executes is leased" if keepers else ""
            case "hang":
                self._hangs = True
        return ""

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

    def _folds(self, results: list[object]) -> None:
        self.schedule.turn()
        self.model.folds(results)  # type: ignore[arg-type]


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


@contextmanager
def _quietly() -> Iterator[None]:
    """The steps log what goes wrong, which here is nearly everything."""
    before = log.logger.disabled
    log.logger.disabled = True
    try:
        yield
    finally:
        log.logger.disabled = before


@dataclass(slots=True)
class Summary:
    schedules: int = 0
    steps: int = 0
    violations: list[Violation] = field(default_factory=list)
    #: how many schedules each kind of mishap came about in, and how each batch ended
    happened: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: Outcome) -> None:
        self.schedules += 1
        self.steps += outcome.steps
        self.happened.update(set(outcome.happened))
        self.happened.update({f"user: {it.verb}" for it in outcome.plan.acts})
        self.states[str(outcome.state or "none")] += 1
        if outcome.violation is not None:
            self.violations.append(outcome.violation)


def simulate(seeds: Iterable[int], *, stop_at_first: bool = True) -> Summary:
    """A schedule for each seed; to the first violation, or all of them."""
    simulator, summary = Simulator(), Summary()
    with _collecting_seldom() as collect:
        for seed in seeds:
            summary.add(simulator.run(seed))
            if summary.violations and stop_at_first:
                break
            collect()
    return summary


@contextmanager
def _collecting_seldom() -> Iterator[Callable[[], None]]:
    """A schedule leaves cycles behind, and looking for them time and again takes a tenth of all
    time: so it is done every so many schedules."""
    was_enabled = gc.isenabled()
    numbers = count(1)

    def collect() -> None:
        if next(numbers) % _COLLECTED == 0:
            gc.collect()

    gc.disable()
    try:
        yield collect
    finally:
        if was_enabled:
            gc.enable()
