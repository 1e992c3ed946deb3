"""What a run remembers, where its flow runs in a child process: the parent keeps it.

    child                                   parent
    keep    the whole memo        ──────▶   writes it down
            done | refused        ◀──────
    gather  a child batch         ──────▶   reads its results
            gathered              ◀──────

The child waits for each answer: what it was told to be kept is kept. With its last frame the memo
comes back as it then is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from queue import SimpleQueue
from typing import Any

from fanfold.domain.memo import Child, decode
from fanfold.domain.outcome import Gathered, Slot
from fanfold.errors import EngineError, FanfoldError
from fanfold.execution.context import Context
from fanfold.execution.durable import Durable

#: of frames that answer what a run asks
ANSWER = "answered"


def sent_along(context: Context) -> dict[str, Any]:
    """Of the parent: what the child begins with."""
    durable = context.durable
    return {
        "memo": durable.memo.encode(),
        "no_questions": durable.no_questions,
        "scatters": durable.scatters,
    }


def answered(context: Context, frame: dict[str, Any]) -> dict[str, Any]:
    """Of the parent: what a frame of the child asks for, done."""
    durable = context.durable
    try:
        if "keep" in frame:
            durable.memo.become(decode(frame["keep"]))
            durable.keep()
            return {ANSWER: {}}
        found = durable.gather(Child(**frame["gather"])) if durable.gather else None
        return {ANSWER: {"gathered": None if found is None else asdict(found)}}
    except FanfoldError as error:
        return {ANSWER: {"refused": str(error)}}


def brought_back(context: Context, frame: dict[str, Any]) -> None:
    """Of the parent: the memo as it is at the run's end."""
    if frame.get("memo"):
        context.durable.memo.become(decode(frame["memo"]))


def durable_afar(
    about: dict[str, Any], ask: Callable[..., None], answers: SimpleQueue[dict[str, Any]]
) -> Durable:
    """Of the child. `ask` sends a frame; its answer comes in `answers`."""
    memo = decode(about["memo"])

    def asked(**frame: Any) -> dict[str, Any]:
        ask(**frame)
        answer: dict[str, Any] = answers.get()[ANSWER]
        if "refused" in answer:
            raise EngineError(answer["refused"])
        return answer

    def keep() -> None:
        asked(keep=memo.encode())

    def gather(child: Child) -> Gathered | None:
        found = asked(gather=asdict(child))["gathered"]
        if found is None:
            return None
        slots = tuple(Slot(**slot) for slot in found["slots"])
        return Gathered(slots, found["batch_id"], found["spent"])

    scatters = gather if about["scatters"] else None
    return Durable(memo, about["no_questions"], keep, scatters)
