"""What a batch's runs have made and asked, in words and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from fanfold.cli.numbers import count

if TYPE_CHECKING:
    from fanfold.domain.batch import Batch
    from fanfold.ports import Ports
    from fanfold.steps.answer import Asked
    from fanfold.steps.family import Level

#: questions that are looked for, to say how many there are
_MOST = 100
_COUNTED = ("queued", "running", "waiting", "succeeded", "failed", "canceled", "skipped")


@dataclass(frozen=True, slots=True)
class Below:
    levels: tuple[Level, ...]
    #: the first ones
    questions: tuple[Asked, ...]


def below(ports: Ports, batch: Batch) -> Below:
    from fanfold.steps.answer import open_questions
    from fanfold.steps.family import family_of

    questions = tuple(islice(open_questions(ports, batch), _MOST))
    return Below(tuple(family_of(ports, batch)), questions)


def below_as_json(it: Below) -> dict[str, Any]:
    from fanfold.cli.report import group_as_json

    return {
        "children": [
            {
                "node": level.part,
                "batches": dict(level.batches),
                **asdict(level.counts),
                "errors": [group_as_json(group) for group in level.tally.errors.values()],
            }
            for level in it.levels
        ],
        "questions": len(it.questions),
    }


def below_in_words(it: Below, flag: str) -> Iterator[tuple[str, str]]:
    """Facts of the status, by name."""
    for level in it.levels:
        states = ", ".join(f"{number:,} {state}" for state, number in sorted(level.batches.items()))
        number = sum(level.batches.values())
        batches = count(number, "batch", "batches")
        parts = [(name, getattr(level.counts, name)) for name in _COUNTED]
        items = ", ".join(f"{value:,} {name}" for name, value in parts if value)
        total = count(level.counts.total, "item")
        yield level.part, f"{total}: {items} · {batches}: {states}"
    if it.questions:
        first = it.questions[0]
        more = f" and {len(it.questions) - 1:,} more" if len(it.questions) > 1 else ""
        yield "asked", f"{first.question.text}{more}: fanfold answer{flag}"
