"""dead_letter: what could not be delivered still ends, as failed, with the reason.

A run's message that was delivered twenty times in vain settles its record as failed, unless it is
settled or somebody is at it. A fan-out that cannot work fails its batch. What nobody can decode is
kept in Blobs, where it can be read, and acked: it must not be delivered for ever.
"""

from __future__ import annotations

from fanfold import log
from fanfold.domain.messages import (
    BatchRequestMessage,
    FanOutMessage,
    FinalizationMessage,
    PageMessage,
    RunMessage,
    decode_fan_out,
)
from fanfold.domain.outcome import Blame, Failed, Failure
from fanfold.domain.run import Run, RunState
from fanfold.errors import BatchNotFound, IllegalTransition, MessageInvalid
from fanfold.ports import MAX_DELIVERIES, Delivery, Ports, Station
from fanfold.steps.advance import advance, repair
from fanfold.steps.ask import ask
from fanfold.steps.fan_out import fail_source
from fanfold.steps.settle import settle_group


def dead_letter(ports: Ports, delivery: Delivery) -> None:
    """End what the message was about. The caller acks."""
    try:
        match delivery.origin:
            case Station.RUNS:
                _fail_run(ports, RunMessage.decode(delivery.body))
            case Station.FAN_OUT:
                _fail_fan_out(ports, decode_fan_out(delivery.body))
            case _:
                message = FinalizationMessage.decode(delivery.body)
                log.error("dead_letter.finalization", "gave up", batch_id=message.batch_id)
    except MessageInvalid as error:
        name = f"dead-letters/{ports.ids.token()}"
        ports.blobs.write(name, [delivery.body])
        log.error("dead_letter.undecodable", str(error), kept_as=name)
    except BatchNotFound as error:
        log.warning("dead_letter.unknown_batch", str(error))


def _fail_run(ports: Ports, message: RunMessage) -> None:
    batch = ports.batches.get(message.batch_id)
    now = ports.clock.now()
    if not batch.is_open or batch.generation != message.generation:
        return
    if not 0 <= message.index < batch.known_total:
        ask(ports, batch)  # it may be the last message anybody held of a batch that is complete
        raise MessageInvalid(f"{batch.id} has no record {message.index}")
    live = ports.leases.lives(batch.id, [message.index]).get(message.index)
    if live is not None and (
        live.state is RunState.WAITING or (live.state is RunState.RUNNING and live.until > now)
    ):
        return
    if not ports.runs.read(batch.id, [message.index]):
        reason = f"its message was delivered {MAX_DELIVERIES} times and never finished"
        run = Run(
            batch_id=batch.id,
            index=message.index,
            generation=message.generation,
            key=message.record.key if message.record else None,
            outcome=Failed(Failure(Blame.UNDELIVERABLE, "Undeliverable", reason)),
            attempts=live.attempts if live else 0,
            started_at=live.started_at if live else now,
            ended_at=now,
            seconds=live.seconds if live else 0.0,
        )
        settle_group(ports, batch, [run], [message.index] if live else ())
        log.error("dead_letter.run", reason, batch_id=batch.id, index=message.index)
    repair(ports, batch, lambda release: release.record == message.index)
    advance(ports, batch, message.index)
    ask(ports, batch)


def _fail_fan_out(ports: Ports, message: FanOutMessage | PageMessage | BatchRequestMessage) -> None:
    if isinstance(message, PageMessage):
        log.error("dead_letter.page", "the sweep will publish its runs", batch_id=message.batch_id)
        return
    if isinstance(message, BatchRequestMessage):
        raise MessageInvalid(f"a request for flow {message.flow!r} could not be met")
    batch = ports.batches.get(message.batch_id)
    try:
        ask(ports, fail_source(ports, batch, f"given up after {MAX_DELIVERIES} deliveries"))
    except IllegalTransition:
        ask(ports, batch)
