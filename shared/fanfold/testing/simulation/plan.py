"""What a seed decides before anything moves: the batch, its user, and what goes wrong when.

Who moves when is decided on the way (schedule), by the same seed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

#: what a record does when it is run
Fate = Literal["ok", "fail", "later", "at once", "fatal"]
Verb = Literal["pause", "resume", "limit", "cancel", "wind down", "retry"]
#: which records a retry runs: those that ended so, or all of them
Again = Literal["failed", "succeeded", "canceled", "all"]
#: what goes wrong, at the call whose turn it is then, or with the world around it
Kind = Literal[
    "crash before",  # the process dies before the call
    "crash after",  # the call takes effect, then the process dies
    "lost",  # the call takes effect, its caller is told that it failed
    "refused",  # the call fails
    "twice",  # the next publish happens twice
    "lease",  # the lease of a message ends early: it comes again while its first is in work
    "worn",  # a message has been delivered as often as it may be
    "moment",  # time passes: views grow old
    "minute",  # time passes: leases of messages and runs end
    "sweep",  # the sweep comes by
    "keep",  # whoever executes is leased, as if it took long
    "stall",  # who moves is held up, while others take many steps
    "hang",  # the next flow's code returns only when its batch is run again, or nobody else moves
]
MOST_RECORDS = 6
CRASHES = ("crash before", "crash after")


@dataclass(frozen=True, slots=True)
class Act:
    """Something the user does, once so many steps have been taken."""

    step: int
    verb: Verb
    #: a number, or which records are to run again
    value: int | Again = 0
    #: how many retries have come before; the step is counted from the last of them
    era: int = 0


@dataclass(frozen=True, slots=True)
class Mishap:
    step: int
    kind: Kind
    #: as that of an act
    era: int = 0


@dataclass(frozen=True, slots=True)
class Follower:
    """A batch without records, which comes after these: 0 is the one with records, and 1 the first
    of its followers."""

    after: tuple[int, ...]
    on: Literal["success", "end"]


@dataclass(frozen=True, slots=True)
class Plan:
    seed: int
    fates: tuple[Fate, ...]
    options: dict[str, Any]
    #: records of one page
    page: int
    #: outcomes of one commit
    group: int
    processes: int
    #: whether no record may be run by two at once
    exclusive: bool
    #: whether the living know at once who has died
    reaps: bool
    acts: tuple[Act, ...] = ()
    mishaps: tuple[Mishap, ...] = field(default=())
    followers: tuple[Follower, ...] = ()
    #: of each record, over how many items its run is scattered; 0: it is not
    items: tuple[int, ...] = ()

    def __str__(self) -> str:
        lines = [
            f"records {', '.join(self.fates)}; pages of {self.page}, groups of {self.group}",
            f"options {self.options or 'none'}; {self.processes} processes"
            + (", exclusive" if self.exclusive else "")
            + (", the dead are found at once" if self.reaps else ", only leases tell of the dead"),
            *(
                f"record {index} is scattered over {number} items"
                for index, number in enumerate(self.items)
                if number
            ),
            *(
                f"from step {it.step}{_after(it.era)} on the user: {it.verb} {it.value or ''}"
                for it in self.acts
            ),
            *(
                f"batch {number} comes after {', '.join(map(str, it.after))}, on {it.on}"
                for number, it in enumerate(self.followers, 1)
            ),
            *(f"at step {it.step}{_after(it.era)}: {it.kind}" for it in self.mishaps),
        ]
        return "\n".join(line.rstrip() for line in lines)


def _after(era: int) -> str:
    return f" after retry {era}" if era else ""


def plan_of(seed: int, random: Random) -> Plan:
    chance = random.random
    records = 1 + int(MOST_RECORDS * chance() ** 1.6)  # small ones find most, and are quick
    options: dict[str, Any] = {}
    limited = chance() < 0.5
    if limited:
        options["concurrency"] = 1 + int(chance() * 3)
    if chance() < 0.12:
        options |= {"shuffle": True, "seed": int(chance() * 1000)}
    elif chance() < 0.12:
        options["priority_field"] = "p"
    if chance() < 0.06:
        options["error_policy"] = "stop"
    # drawn apart, so that what else a seed decides is as it was before there were any
    apart = Random(f"{seed} canary")
    if apart.random() < 0.15:
        options["canary"] = 1 + int(apart.random() * 3)
    fates: tuple[Fate, ...] = tuple(_fate(chance()) for _ in range(records))
    horizon = 40 + 22 * records
    retries = int(chance() * 1.3) + int(chance() * 1.1)
    acts = _acts(random, horizon, limited, 0, 0.3 if retries else 0.12)
    for era in range(retries):
        acts += (Act(horizon, "retry", _again(chance(), acts), era),)
        horizon = 30 + 14 * records
        acts += _acts(random, horizon, limited, era + 1, 0.1)
    return Plan(
        seed=seed,
        fates=fates,
        options=options,
        page=2 + int(chance() * 2),
        group=1 + int(chance() * 4),
        processes=1 + int(chance() * 2.4),
        exclusive=chance() < 0.1,
        reaps=chance() < 0.5,
        acts=acts,
        mishaps=_mishaps(random, 40 + 22 * records, 30 + 14 * records, retries),
        followers=_followers(Random(f"{seed} followers").random),
        items=_items(Random(f"{seed} items").random, records),
    )


def _items(chance: Callable[[], float], records: int) -> tuple[int, ...]:
    """Of one record or two, in some schedules; drawn apart, as a canary is."""
    items = [0] * records
    if chance() < 0.3:
        for _ in range(1 + int(chance() * 1.4)):
            items[int(chance() * records)] = 1 + int(chance() * 2)
    return tuple(items)


def _followers(chance: Callable[[], float]) -> tuple[Follower, ...]:
    """One, or a chain of two; drawn apart, as a canary is."""
    if chance() < 0.7:
        return ()
    first = Follower((0,), "success" if chance() < 0.6 else "end")
    if chance() < 0.5:
        return (first,)
    after = (1,) if chance() < 0.6 else (0, 1)
    return (first, Follower(after, "success" if chance() < 0.6 else "end"))


def _fate(chance: float) -> Fate:
    if chance < 0.62:
        return "ok"
    if chance < 0.75:
        return "fail"
    if chance < 0.90:
        return "later"
    return "at once" if chance < 0.99 else "fatal"


def _again(chance: float, acts: tuple[Act, ...]) -> Again:
    """Mostly of those of which there are some."""
    if any(it.verb == "cancel" for it in acts):
        return "canceled" if chance < 0.6 else "all"
    return ("failed", "succeeded", "canceled", "all")[int(4 * chance)]


def _acts(
    random: Random, horizon: int, limited: bool, era: int, canceled: float
) -> tuple[Act, ...]:
    chance = random.random
    acts: list[Act] = []

    def at() -> int:
        return 1 + int(chance() * horizon)

    if chance() < 0.35:
        step = at()
        acts.append(Act(step, "pause", era=era))
        if chance() < 0.85:
            acts.append(Act(step + 1 + int(chance() * horizon / 2), "resume", era=era))
    if limited and chance() < 0.5:
        acts += [
            Act(at(), "limit", 1 + int(chance() * 4), era) for _ in range(1 + int(chance() * 2))
        ]
    if chance() < canceled:
        acts.append(Act(at(), "cancel", era=era))
    elif chance() < 0.06:
        acts.append(Act(at(), "wind down", 5, era))
    return tuple(sorted(acts, key=lambda it: it.step))


def _mishaps(random: Random, horizon: int, later: int, retries: int) -> tuple[Mishap, ...]:
    """One crash, in most schedules; and some of each of the others. `later`: so many steps a
    generation takes that is not the first."""
    chance = random.random
    mishaps: list[Mishap] = []

    def add(kind: Kind, likely: float, most: int = 1) -> None:
        for _ in range(most):
            if chance() < likely:
                era = int(chance() * (retries + 1))
                mishaps.append(Mishap(1 + int(chance() * (later if era else horizon)), kind, era))

    add("crash before" if chance() < 0.5 else "crash after", 0.65)
    add("lost", 0.1)
    add("refused", 0.1)
    add("twice", 0.4, 3)
    add("lease", 0.4, 2)
    add("worn", 0.05)
    add("moment", 0.5, 4)
    add("minute", 0.15, 2)
    add("sweep", 0.3, 2)
    add("keep", 0.3, 2)
    add("stall", 0.4, 2)
    add("hang", 0.3)
    for era in range(1, retries + 1):  # where two who open it may get in each other's way
        if chance() < 0.4:
            mishaps.append(Mishap(1, "twice", era))
        if chance() < 0.4:
            mishaps.append(Mishap(3 + int(chance() * 12), "stall", era))
    return tuple(sorted(mishaps, key=lambda it: (it.era, it.step)))
