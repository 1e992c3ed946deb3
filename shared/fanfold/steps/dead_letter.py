"""dead_letter: what could not be delivered still ends, as failed, with the reason.

A run's message that was delivered twenty times in vain settles its record as failed, unless it is
settled or somebody is at it. A fan-out that cannot work fails its batch. What nobody can decode
changes nothing. Each is kept, with what became of it, where it can be read (steps.letters), and
acked: it must not be delivered for ever.

| a crash here             | what happens                                                       |
|--------------------------|--------------------------------------------------------------------|
| before it is kept        | it comes again, finds its record failed by itself, and says so     |
| after that, not acked    | it comes again, and is the same letter                             |
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import assert_never

from fanfold import log
from fanfold.domain.batch import Batch
from fanfold.domain.letter import Fate
from fanfold.domain.messages import (
    BatchRequestMessage,
    FanOutMessage,
    FinalizationMessage,
    PageMessage,
    RunMessage,
)
from fanfold.domain.outcome import Blame, Failed, Failure
from fanfold.domain.run import Run, RunState
from fanfold.domain.settling import Verdict
from fanfold.errors import BatchNotFound, IllegalTransition, MessageInvalid
from fanfold.ports import MAX_DELIVERIES, Delivery, Ports
from fanfold.steps.advance import advance, repair
from fanfold.steps.ask import ask
from fanfold.steps.fan_out import fail_source
from fanfold.steps.landing import settle_group
from fanfold.steps.letters import Message, keep, read_message
from fanfold.steps.tell import tell_of_failure

#: why it is dead, if it is well formed
_TOO_OFTEN = f"its message was delivered {MAX_DELIVERIES} times and never finished"


@dataclass(frozen=True, slots=True)
class _End:
    fate: Fate
    about: str
    reason: str = _TOO_OFTEN


def dead_letter(ports: Ports, delivery: Delivery) -> None:
    """End what the message was about, and keep it. The caller acks."""
    try:
        message = read_message(delivery.origin, delivery.body)
    except MessageInvalid as error:
        end = _End(Fate.KEPT, "kept: it cannot be read", f"cannot be read: {error}")
        letter = keep(ports, delivery, None, end.reason, end.fate, end.about)
        log.error("dead_letter.undecodable", str(error), kept_as=letter.id)
        return
    try:
        end = _end_of(ports, message)
    except BatchNotFound as error:
        log.warning("dead_letter.unknown_batch", str(error))
        end = _End(Fate.LEFT, "left: its batch is not here")
    letter = keep(ports, delivery, message, end.reason, end.fate, end.about)
    if end.fate is Fate.KEPT:
        log.error("dead_letter.unmet", end.reason, kept_as=letter.id)


def _end_of(ports: Ports, message: Message) -> _End:
    match message:
        case RunMessage():
            return _fail_run(ports, message)
        case FanOutMessage():
            return _fail_fan_out(ports, message)
        case PageMessage():
            text = "the sweep will publish its runs"
            log.error("dead_letter.page", text, batch_id=message.batch_id)
            return _End(Fate.LEFT, f"left: {text}")
        case FinalizationMessage():
            log.error("dead_letter.finalization", "gave up", batch_id=message.batch_id)
            return _End(Fate.LEFT, "left: the sweep will ask for its end again")
        case BatchRequestMessage():
            reason = (
                f"a request for flow {message.flow!r} could not be met: the flow is not registered "
                "where it was read, or what was asked for is refused; the log there says which"
            )
            return _End(Fate.KEPT, "kept: no batch was started", reason)
        case _:
            assert_never(message)


def _fail_run(ports: Ports, message: RunMessage) -> _End:
    batch = ports.batches.get(message.batch_id)
    now = ports.clock.now()
    if batch.generation != message.generation:
        return _End(Fate.LEFT, "left: it is of another generation of its batch")
    run = ports.runs.read(batch.id, [message.index]).get(message.index)
    if not batch.is_open:
        return _of_settled(run) if run else _End(Fate.LEFT, f"left: its batch is {batch.state}")
    if not 0 <= message.index < batch.known_total:
        ask(ports, batch)  # it may be the last message anybody held of a batch that is complete
        missing = f"{batch.id} has no record {message.index}"
        return _End(Fate.KEPT, "kept: it cannot be met", missing)
    live = ports.leases.lives(batch.id, [message.index]).get(message.index)
    if live is not None and (
        live.state is RunState.WAITING or (live.state is RunState.RUNNING and live.until > now)
    ):
        _finish(ports, batch, message.index)
        return _End(Fate.LEFT, "left: somebody is at its run, or it waits for its retry")
    if run is None:
        run = Run(
            batch_id=batch.id,
            index=message.index,
            generation=message.generation,
            key=message.record.key if message.record else None,
            outcome=Failed(Failure(Blame.UNDELIVERABLE, "Undeliverable", _TOO_OFTEN)),
            attempts=live.attempts if live else 0,
            started_at=live.started_at if live else now,
            ended_at=now,
            seconds=live.seconds if live else 0.0,
            spent=live.spent if live else 0,
        )
        (verdict,) = settle_group(ports, batch, [run], [message.index] if live else ())
        if verdict is Verdict.COUNTED:
            log.error("dead_letter.run", _TOO_OFTEN, batch_id=batch.id, index=message.index)
            tell_of_failure(ports, batch, run)
        else:  # somebody was faster
            run = ports.runs.read(batch.id, [message.index]).get(message.index)
    _finish(ports, batch, message.index)
    return _of_settled(run) if run else _End(Fate.LEFT, "left: its batch was being closed")


def _finish(ports: Ports, batch: Batch, index: int) -> None:
    """What an earlier delivery of the message may have left undone."""
    repair(ports, batch, lambda release: release.record == index)
    advance(ports, batch, index)
    ask(ports, batch)


def _of_settled(run: Run) -> _End:
    """Nobody but a dead letter calls a run undeliverable: this one, an earlier delivery of it, or
    another of the same record."""
    outcome = run.outcome
    if isinstance(outcome, Failed) and outcome.failure.blame is Blame.UNDELIVERABLE:
        return _End(Fate.FAILED, "its record was settled as failed")
    return _End(Fate.LEFT, f"left: its run was settled already, as {run.state}")


def _fail_fan_out(ports: Ports, message: FanOutMessage) -> _End:
    reason = f"given up after {MAX_DELIVERIES} deliveries"
    batch = ports.batches.get(message.batch_id)
    with suppress(IllegalTransition):  # it has ended, or is about to
        batch = fail_source(ports, batch, reason)
    ask(ports, batch)
    if batch.ending is not None and batch.ending.reason.endswith(reason):
        return _End(Fate.FAILED, "its batch has failed")
    return _End(Fate.LEFT, f"left: its batch was {batch.state} already")
