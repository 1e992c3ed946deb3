"""What a simulation finds wrong, told so that it can be followed step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fanfold.domain.batch import Batch
from fanfold.domain.run import Live, Run
from fanfold.ports import Delivery, Station
from fanfold.testing.simulation.plan import Plan


@dataclass(frozen=True, slots=True)
class Step:
    number: int
    #: process and actor
    who: str
    #: a port's verb, or what happened to the world
    what: str
    arguments: tuple[Any, ...] = ()
    mishap: str = ""

    def __str__(self) -> str:
        told = " ".join(text for it in self.arguments if (text := _told(it)))
        line = f"{self.number:5}  {self.who:22} {self.what:24} {told}".rstrip()
        return f"{line}   <== {self.mishap}" if self.mishap else line


@dataclass(frozen=True, slots=True)
class Violation:
    invariant: str
    what: str
    plan: Plan
    steps: tuple[Step, ...]

    @property
    def seed(self) -> int:
        return self.plan.seed

    def __str__(self) -> str:
        return self.told()

    def told(self, bug: str = "") -> str:
        """`bug`: the one that was seeded."""
        seeded = f" --bug {bug!r}" if bug else ""
        repeat = f"--seed {self.seed} --schedules 1{seeded}"
        return "\n".join(
            [
                f"seed {self.seed} violates: {self.invariant}",
                f"  {self.what}",
                *(f"  {line}" for line in str(self.plan).splitlines()),
                *map(str, self.steps),
                f"repeat it: python -m fanfold.testing.simulation {repeat}",
            ]
        )


def _told(value: Any) -> str:
    match value:
        case Station():
            return str(value)
        case Delivery():
            return f"{_body(value.body)}/{value.attempt}"
        case bytes():
            return _body(value)
        case Run():
            return f"{value.index}:{value.state}"
        case Live():
            return f"{value.index}:{value.state}"
        case Batch():
            return f"{value.state}"
        case str():
            return "" if value.startswith("batch-") else value
        case bool() | int() | float() | None:
            return str(value)
        case Sequence():
            return "[" + " ".join(map(_told, value)) + "]"
        case _:
            return ""


def _body(body: bytes) -> str:
    """Of a message, what is not the same in each."""
    text = body.decode()
    for name, sign in (('"index":', "#"), ('"kind":', "")):
        _, found, rest = text.partition(name)
        if found:
            return sign + rest.split(",")[0].split("}")[0].strip('"')
    return "finalization"
