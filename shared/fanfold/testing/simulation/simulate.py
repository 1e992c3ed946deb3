"""Run schedules: the same seed, the same schedule."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

from fanfold import log
from fanfold.domain.batch import BatchState
from fanfold.testing.simulation.engine import MemoryEngine
from fanfold.testing.simulation.flow import Scripted
from fanfold.testing.simulation.life import Life
from fanfold.testing.simulation.plan import Plan
from fanfold.testing.simulation.violation import Step, Violation

#: schedules whose garbage is collected at once
_COLLECTED = 200


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one schedule."""

    plan: Plan
    steps: int
    #: mishaps that came about, and what the user did
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
            life = Life(seed, self._engine, self._scripted)
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
        life.forget()
        return outcome


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
    #: how many schedules each mishap, and each of the user's acts, came about in; how they ended
    happened: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: Outcome) -> None:
        self.schedules += 1
        self.steps += outcome.steps
        self.happened.update(set(outcome.happened))
        self.states[str(outcome.state or "none")] += 1
        if outcome.violation is not None:
            self.violations.append(outcome.violation)


def simulate(
    seeds: Iterable[int],
    *,
    stop_at_first: bool = True,
    watch: Callable[[Summary], object] = lambda _: None,
) -> Summary:
    """A schedule for each seed; to the first violation, or all of them. `watch` is told of each."""
    simulator, summary = Simulator(), Summary()
    with _collecting_seldom() as collect:
        for seed in seeds:
            summary.add(simulator.run(seed))
            watch(summary)
            if summary.violations and stop_at_first:
                break
            collect()
    return summary


def held(seeds: Iterable[int]) -> str:
    """The first violation, to be read; empty where there is none."""
    violations = simulate(seeds).violations
    return str(violations[0]) if violations else ""


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
    gc.collect()
    gc.freeze()  # what is there already need not be gone through again
    try:
        yield collect
    finally:
        gc.unfreeze()
        if was_enabled:
            gc.enable()
