"""resurrect: publish a dead letter again, to the station it was for.

It is published first and marked then, so a crash in between publishes it twice at most; which is
harmless, for every message may come twice: a run's and a page's are marked as repeated, so that
their readers look at what is settled, and a request gets an id of its own, so that it starts one
batch however often it is read.

A record that is settled is not run again: its result, or its failure, is counted.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import assert_never

from fanfold import log
from fanfold.domain.letter import Letter
from fanfold.domain.messages import (
    BatchRequestMessage,
    FanOutMessage,
    FinalizationMessage,
    PageMessage,
    RunMessage,
)
from fanfold.domain.outcome import Blame, Failed
from fanfold.domain.priority import Priority
from fanfold.domain.run import Run
from fanfold.errors import Conflict, MessageInvalid
from fanfold.ports import Ports, Station
from fanfold.steps.advance import REPEATED
from fanfold.steps.letters import Message, body_of, read_message


@dataclass(frozen=True, slots=True)
class Resurrection:
    letter: Letter
    #: it had been brought back before, and was not published once more
    before: bool


def resurrect(ports: Ports, letter_id: str) -> Resurrection:
    """Raises LetterNotFound, and Conflict with the reason where it would be in vain."""
    letter = ports.letters.get(letter_id)
    if letter.resurrected_at is not None:
        return Resurrection(letter, before=True)
    body = body_of(ports, letter)
    try:
        message = read_message(letter.origin, body)
    except MessageInvalid as error:
        raise Conflict(
            f"{letter.id} cannot be read now either: {error}. Correct what sends such messages, "
            "and have it sent anew"
        ) from None
    again = _again(ports, letter, message, body)
    priority = _priority(ports, message)
    ports.queue.publish(Station(letter.origin), letter.batch_id or "", [again], priority)
    letter = ports.letters.mark(letter.id, ports.clock.now())
    context = {"letter": letter.id, "station": letter.origin}
    log.info("letter.resurrected", letter.reason, batch_id=letter.batch_id, **context)
    return Resurrection(letter, before=False)


def _again(ports: Ports, letter: Letter, message: Message, body: bytes) -> bytes:
    """What to publish. Raises Conflict."""
    match message:
        case RunMessage():
            _check_run(ports, letter, message)
            # without the record, which lies in its page
            return RunMessage(
                message.batch_id, message.index, message.generation, _repeated(message)
            ).encode()
        case PageMessage():
            _check_batch(ports, letter, message)
            return message.model_copy(update={"attempt": _repeated(message)}).encode()
        case FanOutMessage() | FinalizationMessage():
            _check_batch(ports, letter, message)
            return body
        case BatchRequestMessage():
            if message.request_id is not None:
                return body
            return json.dumps({**json.loads(body), "request_id": letter.id}).encode()
        case _:
            assert_never(message)


def _priority(ports: Ports, message: Message) -> Priority:
    if not isinstance(message, RunMessage):
        return Priority.NORMAL
    return ports.batches.get(message.batch_id).options.priority


def _repeated(message: RunMessage | PageMessage) -> int:
    return max(REPEATED, message.attempt)


def _check_run(ports: Ports, letter: Letter, message: RunMessage) -> None:
    run = ports.runs.read(message.batch_id, [message.index]).get(message.index)
    if run is not None:
        raise Conflict(_settled(letter, run))
    _check_batch(ports, letter, message)
    total = ports.batches.get(message.batch_id).known_total
    if message.index >= total:
        raise Conflict(f"{letter.id} cannot work: {message.batch_id} has no record {message.index}")


def _settled(letter: Letter, run: Run) -> str:
    if not isinstance(run.outcome, Failed):
        return (
            f"{letter.id} is of no use any more: record {run.index} of {run.batch_id} is settled, "
            f"as {run.state}"
        )
    failure = run.outcome.failure
    what = "that" if failure.blame is Blame.UNDELIVERABLE else "another reason"
    return (
        f"{letter.id} comes too late: record {run.index} of {run.batch_id} has failed, for {what}: "
        f"{failure.message}. Once the batch has ended, `fanfold retry {run.batch_id} --failed` "
        "runs its failed records again"
    )


def _check_batch(
    ports: Ports,
    letter: Letter,
    message: RunMessage | PageMessage | FanOutMessage | FinalizationMessage,
) -> None:
    """Raises BatchNotFound, too."""
    batch = ports.batches.get(message.batch_id)
    if batch.generation != message.generation:
        raise Conflict(f"{letter.id} is of an older generation of {batch.id}: nobody would take it")
    closes = isinstance(message, FinalizationMessage)
    if batch.ended or not (batch.is_open or closes):
        raise Conflict(
            f"{letter.id} comes too late: {batch.id} is {batch.state}, and takes no more messages. "
            f"`fanfold retry {batch.id}` runs records of it again, once it has ended"
        )
