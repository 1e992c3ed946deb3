"""What runs ask people, and the answers."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from fanfold.api.asking import Asking
from fanfold.api.problems import answers
from fanfold.api.run_shapes import QuestionShape, WholeRunShape
from fanfold.domain.access import Action
from fanfold.steps.answer import answer, open_questions
from fanfold.steps.find_run import whole_run

router = APIRouter(prefix="/api", tags=["questions"])


class Answer(BaseModel):
    """An answer to what a run asks."""

    model_config = ConfigDict(extra="forbid")

    #: JSON, as the question's schema says
    value: Any
    #: the question's name, where the run asks several
    question: Annotated[str, Field(max_length=1000)] | None = None


class AnsweredShape(BaseModel):
    """What was answered, and the run as it then is."""

    question: QuestionShape
    run: WholeRunShape


@router.get(
    "/batches/{batch_id}/questions", summary="What its runs ask", responses=answers(404, 409)
)
def find(
    asker: Asking,
    batch_id: str,
    limit: Annotated[int, Query(ge=1, le=1000, description="at most so many")] = 100,
) -> list[QuestionShape]:
    """What its runs, and those of their items, ask and wait for."""
    batch = asker.batch(Action.SEE, batch_id)
    asked = open_questions(asker.fanfold.ports, batch)
    return [QuestionShape.of(it) for it in islice(asked, limit)]


@router.post(
    "/runs/{run_id}/answer",
    summary="Answer what a run asks",
    responses=answers(400, 403, 404, 409),
)
def reply(asker: Asking, run_id: str, body: Answer) -> AnsweredShape:
    """The run goes on with it. The first answer counts; the same one again changes nothing."""
    batch, index = asker.run(Action.HOLD, run_id)
    fanfold = asker.fanfold
    by = asker.principal.identity
    asked = answer(
        fanfold.ports, fanfold.policy, batch, index, body.value, by=by, name=body.question
    )
    run = whole_run(fanfold.ports, fanfold.ports.batches.get(batch.id), index)
    return AnsweredShape(question=QuestionShape.of(asked), run=WholeRunShape.whole(run))
