"""answer: somebody answers what a run asks, and the run goes on.

    waiting ──answer, in the run's own document──▶ due ──▶ queued, published

The answer and the due time are one write, so that an answer is never lost: should nobody live to
publish the run, whoever looks for what is due does. The first answer counts; the same one again
changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from fanfold import log
from fanfold.domain.batch import Batch
from fanfold.domain.ids import run_id_of
from fanfold.domain.memo import MAX_ANSWER_BYTES, Answer, Question, answered, decode
from fanfold.domain.run import Live, RunState
from fanfold.errors import AnswerInvalid, Conflict, QuestionNotFound
from fanfold.execution.schema import Schema, SchemaInvalid
from fanfold.ports import Ports
from fanfold.steps.family import children_of
from fanfold.steps.policy import Policy
from fanfold.steps.wake import wake_due


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of a run."""

    batch_id: str
    index: int
    #: where in the run it is asked: what it is answered by, if the run asks several
    name: str
    question: Question
    #: which question of its run it is, from 1 on
    number: int = 0

    @property
    def is_open(self) -> bool:
        return self.question.answer is None

    @property
    def run_id(self) -> str:
        return run_id_of(self.batch_id, self.index)


def open_questions(ports: Ports, batch: Batch) -> Iterator[Asked]:
    """What runs of the batch, and of their children, wait to be told; the batch's own first."""
    return (it for _, it in all_questions(ports, batch) if it.is_open)


def all_questions(ports: Ports, batch: Batch) -> Iterator[tuple[Batch, Asked]]:
    """What those runs have asked that wait, answered or not, each with its own batch."""
    if not batch.is_open or not batch.options.interactive:
        return
    for live in ports.leases.waiting(batch.id):
        if live.generation == batch.generation:
            for it in all_questions_of(live):
                yield batch, it
    for child in children_of(ports, batch.id):
        yield from all_questions(ports, child)


def questions_of(live: Live) -> list[Asked]:
    """Those that are not answered."""
    if live.state is not RunState.WAITING:
        return []
    return [it for it in all_questions_of(live) if it.is_open]


def all_questions_of(live: Live) -> list[Asked]:
    """Those that are answered, too, in the order in which they were asked."""
    if not live.memo:
        return []
    return [
        Asked(live.batch_id, live.index, name, it, number)
        for number, (name, it) in enumerate(decode(live.memo).questions.items(), start=1)
    ]


def question_numbered(ports: Ports, batch: Batch, index: int, number: int) -> Asked:
    """Open or not, as long as its run has not ended. Raises QuestionNotFound."""
    live = ports.leases.lives(batch.id, [index]).get(index)
    if live is not None and live.generation == batch.generation:
        for it in all_questions_of(live):
            if it.number == number:
                return it
    raise QuestionNotFound(f"record {index} of {batch.id} asks nothing of this number")


def answer(
    ports: Ports,
    policy: Policy,
    batch: Batch,
    index: int,
    value: Any,
    *,
    by: str,
    name: str | None = None,
) -> Asked:
    """`name`: which question, where the run asks several. Raises QuestionNotFound, AnswerInvalid,
    or Conflict where another answer was first."""
    text = json.dumps(value)
    if len(text) > MAX_ANSWER_BYTES:
        raise AnswerInvalid(f"an answer has at most {MAX_ANSWER_BYTES // 1024} KiB")
    now = ports.clock.now()
    found: list[Asked] = []

    def arrow(live: Live) -> Live:
        if live.generation != batch.generation:
            return live
        memo = decode(live.memo)
        place = _chosen(memo.questions, name, batch.id, index)
        question = memo.questions[place]
        number = list(memo.questions).index(place) + 1
        found[:] = [Asked(batch.id, index, place, question, number)]
        if question.answer is not None:
            if question.answer.value == text:
                return live
            raise Conflict(f"{question.text!r} was answered already, by {question.answer.by}")
        if live.state is not RunState.WAITING:
            raise Conflict(f"{question.text!r} is not waited for any more")
        _check(question, value)
        memo = answered(memo, place, Answer(text, by, now))
        return replace(live, memo=memo.encode(), until=now)

    ports.leases.amend(batch.id, index, arrow)
    if not found:
        raise QuestionNotFound(f"record {index} of {batch.id} asks nothing")
    log.info("run.answered", found[0].question.text, batch_id=batch.id, index=index, by=by)
    wake_due(ports, policy, ports.batches.get(batch.id))
    return found[0]


def _chosen(questions: dict[str, Question], name: str | None, batch_id: str, index: int) -> str:
    if name is not None:
        if name in questions:
            return name
        known = ", ".join(map(repr, questions)) or "none"
        raise QuestionNotFound(
            f"record {index} of {batch_id} has no question {name!r}; there are: {known}"
        )
    waiting = [place for place, it in questions.items() if it.answer is None] or list(questions)
    if len(waiting) > 1:
        names = ", ".join(map(repr, waiting))
        raise QuestionNotFound(f"record {index} of {batch_id} asks several: name one of {names}")
    if not waiting:
        raise QuestionNotFound(f"record {index} of {batch_id} asks nothing")
    return waiting[0]


def _check(question: Question, value: Any) -> None:
    """Raises AnswerInvalid for what is not as the flow wants it."""
    if question.schema is None:
        return
    try:
        problem = next(Schema(question.schema).problems(value), None)
    except SchemaInvalid as error:  # the flow's own: it must not wait for ever
        log.warning("question.schema", f"{question.text!r}: {error}")
        return
    if problem is not None:
        raise AnswerInvalid(f"{question.text!r}: {problem}")
