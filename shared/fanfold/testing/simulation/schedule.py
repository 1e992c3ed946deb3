"""One schedule: a seeded order of everybody's steps, with mishaps at some of them.

    turn ─▶ is it time for a mishap? ─▶ who goes on? ─▶ (they do) ─▶ our own turn again: the call

`turn` is called before each call of a port. It is the only place where actors change, so that what
is between two calls is atomic, as it must be taken for: nobody sees into a process.

An actor with nothing to do sleeps until somebody stirs what it sleeps on. When nobody can move the
schedule is at rest, and whoever runs it (rest) says whether time passes or all is over.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any, NoReturn

from fanfold.errors import EngineError
from fanfold.testing.simulation.actors import Actor, GreenletExit, Process, getcurrent, greenlet
from fanfold.testing.simulation.plan import CRASHES, Mishap, Plan
from fanfold.testing.simulation.violation import Step, Violation

#: no schedule takes so many, unless it goes round in circles
MOST_STEPS = 6000
#: what the user sleeps on
USER, ENDED = "user", "ended"
#: what those sleep on who are held up, and flows' code that hangs
STALLED, HUNG = "stalled", "hung"
#: how long somebody is held up, in steps, and how much longer than that at most
_SHORTEST_STALL, _LONGER_STALL = 5, 60
#: mishaps of calls; the others happen to the world
_OF_CALLS = (*CRASHES, "lost", "refused", "twice")


class Schedule:
    def __init__(self, plan: Plan, random: Random) -> None:
        self.plan = plan
        self.random = random.random
        self.steps = 0
        self.log: list[tuple[int, Actor, str, tuple[Any, ...], str]] = []
        self.violation: Violation | None = None
        #: mishaps that came about, by kind
        self.happened: list[str] = []
        #: whether something broke off that no message stands behind: the sweep has to mend it
        self.sweep_must_mend = False
        #: called when a process has died, and when the world has a mishap
        self.on_death: Callable[[Process], None] = lambda _: None
        self.on_mishap: Callable[[Mishap], str] = lambda _: ""
        self.current: Actor | None = None
        self._hub: greenlet = getcurrent()
        self._movable: list[Actor] = []
        self._sleeping: dict[str, list[Actor]] = {}
        self._actors: list[Actor] = []
        #: at which steps something is to happen, the last first: a mishap, or someone is stirred
        self._events: list[tuple[int, Mishap | str]] = []
        self._next = MOST_STEPS
        #: at which step the last retry was, and how many there were
        self.era_began, self._era = 0, 0
        self._plan_era()
        #: a mishap that waits for the call that it concerns
        self._due: list[Mishap] = []
        #: at which step who moves now goes on
        self._stalled = 0

    # ------------------------------------------------------------ actors

    def start(
        self,
        process: Process,
        name: str,
        work: Callable[[], object],
        *,
        on_its_own: bool = False,
        asleep: str = "",
    ) -> Actor:
        """`asleep`: what it sleeps on, before it takes its first step."""
        actor = Actor(name, process, on_its_own=on_its_own)
        actor.greenlet = greenlet(partial(self._live, actor, work), self._hub)
        process.actors.append(actor)
        self._actors.append(actor)
        if asleep:
            actor.asleep = True
            self._sleeping.setdefault(asleep, []).append(actor)
        else:
            self._movable.append(actor)
        return actor

    def _live(self, actor: Actor, work: Callable[[], object]) -> None:
        self.current = actor
        try:
            work()
        except Exception as error:  # noqa: BLE001  no step may raise what nobody handles
            self._note_violation("no error is left to itself", f"{type(error).__name__}: {error}")
        if actor in self._movable:
            self._movable.remove(actor)
        if actor in actor.process.actors:
            actor.process.actors.remove(actor)

    def run(self, at_rest: Callable[[], bool]) -> None:
        """Until `at_rest` says that all is over, or an invariant is violated."""
        self._hub = getcurrent()
        while self.violation is None:
            if self._movable:
                self._chosen().greenlet.switch()
            elif not at_rest():
                break
        for actor in self._actors:
            actor.process.alive = False
        for actor in self._actors:
            if not actor.greenlet.dead and actor.greenlet:
                actor.greenlet.throw()

    def forget(self) -> None:
        """Everybody, and what they did."""
        for actor in self._actors:
            actor.process.actors.clear()
            actor.greenlet = None
        self._actors.clear()
        self._movable.clear()
        self._sleeping.clear()
        self.log.clear()
        self.current = None
        del self.on_death, self.on_mishap

    def _chosen(self) -> Actor:
        return self._movable[int(self.random() * len(self._movable))]

    def sleep(self, key: str) -> None:
        """Until it is stirred."""
        actor = self._me()
        actor.asleep = True
        self._movable.remove(actor)
        self._sleeping.setdefault(key, []).append(actor)
        self._hub.switch()
        self._back(actor)

    def stir(self, key: str) -> bool:
        """Whoever sleeps on it has something to do; whether there is somebody."""
        woken = self._sleeping.pop(key, None)
        if not woken:
            return False
        for actor in woken:
            actor.asleep = False
        self._movable += woken
        return True

    def stir_all(self) -> None:
        for key in list(self._sleeping):
            if key not in (USER, ENDED, STALLED, HUNG):
                self.stir(key)

    def _me(self) -> Actor:
        if self.current is None:
            raise RuntimeError("nobody moves")
        return self.current

    def _back(self, actor: Actor) -> None:
        self.current = actor
        if not actor.process.alive:
            raise GreenletExit

    # ------------------------------------------------------------- steps

    def turn(self) -> Actor:
        """Others may go first; it is the caller's turn when this returns."""
        actor = self._me()
        if not actor.process.alive:
            raise GreenletExit
        self.steps += 1
        if self.steps >= self._next:
            self._meet_mishaps()
        if self.steps > MOST_STEPS:
            self.violate("it comes to an end", f"{MOST_STEPS} steps, and still somebody moves")
        if self._stalled:
            self._events.append((self._stalled, STALLED))
            self._stalled = 0
            self._arrange()
            self.happened.append("stall")
            self.tell(f"{actor.process.name} {actor.name} is held up")
            self.sleep(STALLED)
            return actor
        other = self._chosen()
        if other is not actor:
            other.greenlet.switch()
            self._back(actor)
        return actor

    def give_way(self) -> None:
        self.turn()

    def call(
        self, what: str, real: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any]
    ) -> Any:
        """A port's call, by whose turn it is, with what goes wrong at it."""
        mishap = self._due_at(what) if self._due else ""
        actor = self._me()
        self.log.append((self.steps, actor, what, arguments, mishap))
        if not mishap:
            return real(*arguments, **named)
        self.happened.append(mishap)
        if mishap != "twice" and actor.on_its_own:
            self.sweep_must_mend = True
        if mishap == "crash before":
            self.crash(actor.process)
        if mishap == "refused":
            raise EngineError("it was refused")
        answer = real(*arguments, **named)
        if mishap == "crash after":
            self.crash(actor.process)
        if mishap == "lost":
            raise EngineError("the reply was lost")
        if mishap == "twice":
            real(*arguments, **named)
        return answer

    def _due_at(self, what: str) -> str:
        for number, mishap in enumerate(self._due):
            if mishap.kind != "twice" or what == "queue.publish":
                del self._due[number]
                return mishap.kind
        return ""

    def _meet_mishaps(self) -> None:
        while self._events and self._events[-1][0] <= self.steps:
            _, mishap = self._events.pop()
            if isinstance(mishap, str):
                self.stir(mishap)
            elif mishap.kind in _OF_CALLS:
                self._due.append(mishap)
            elif mishap.kind == "stall":
                self._stall()
            elif told := self.on_mishap(mishap):
                self.happened.append(mishap.kind)
                self.tell(told)
        self._arrange()

    def _stall(self) -> None:
        """Whoever moves is held up for a while. It is not asleep before its turn has ended."""
        self._stalled = self.steps + _SHORTEST_STALL + int(_LONGER_STALL * self.random())

    def begin_era(self) -> None:
        """The user retries: what was planned for after that is counted from here."""
        self.era_began, self._era = self.steps, self._era + 1
        self._plan_era()

    def _plan_era(self) -> None:
        plan, start = self.plan, self.era_began
        self._events += [(start + it.step, it) for it in plan.mishaps if it.era == self._era]
        self._events += [(start + it.step, USER) for it in plan.acts if it.era == self._era]
        self._arrange()

    def _arrange(self) -> None:
        self._events.sort(key=lambda it: -it[0])
        self._next = self._events[-1][0] if self._events else MOST_STEPS

    def crash(self, process: Process) -> NoReturn:
        """All of it is gone at once; what it had asked for has happened, or not."""
        process.alive = False
        for actor in process.actors:
            if actor.asleep:
                key = self._wake_for_good(actor)
            else:
                self._movable.remove(actor)
                key = ""
            if actor.on_its_own and key in ("", STALLED):  # in the middle of something
                self.sweep_must_mend = True
        process.actors.clear()
        self.on_death(process)
        raise GreenletExit

    def _wake_for_good(self, actor: Actor) -> str:
        """What it slept on."""
        key = next(key for key, sleepers in self._sleeping.items() if actor in sleepers)
        self._sleeping[key].remove(actor)
        if not self._sleeping[key]:
            del self._sleeping[key]
        return key

    # ---------------------------------------------------------- findings

    def tell(self, text: str) -> None:
        """What happens to the world, for whoever reads the schedule."""
        self.log.append((self.steps, _WORLD, text, (), ""))

    def violate(self, invariant: str, what: str) -> None:
        """The schedule ends here; an actor does not come back from this."""
        self._note_violation(invariant, what)
        if getcurrent() is not self._hub:
            self._hub.switch()
            raise GreenletExit

    def _note_violation(self, invariant: str, what: str) -> None:
        if self.violation is None:
            self.violation = Violation(invariant, what, self.plan, self.steps_taken())

    def steps_taken(self) -> tuple[Step, ...]:
        return tuple(
            Step(number, f"{actor.process.name} {actor.name}".strip(), what, arguments, mishap)
            for number, actor, what, arguments, mishap in self.log
        )


_WORLD = Actor("", Process("the world"))
