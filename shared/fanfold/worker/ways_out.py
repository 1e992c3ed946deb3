"""The ways a job leaves this process: acked, or delivered again. None of them raises, but
`finished`, whose caller knows what to do then."""

from __future__ import annotations

from collections.abc import Sequence

from fanfold import log
from fanfold.domain.batch import Batch
from fanfold.ports import Delivery, Ports
from fanfold.steps.ask import Duty, ask, generation_of
from fanfold.steps.catch_up import catch_up
from fanfold.steps.memory import forget_memo
from fanfold.steps.run_flow import Job
from fanfold.steps.views import View
from fanfold.worker.dispose import backoff, dispose
from fanfold.worker.hand import Hand


class WaysOut:
    def __init__(self, ports: Ports, duty: Duty, hand: Hand) -> None:
        self._ports = ports
        self._duty = duty
        self._hand = hand

    def settled(self, jobs: Sequence[Job]) -> None:
        """And asked for: the ack is last, but for what nobody misses."""
        self._finished(jobs)
        for job in jobs:
            if job.memo is not None:
                forget_memo(self._ports, job.memo)

    def _finished(self, jobs: Sequence[Job]) -> None:
        deliveries = [job.delivery for job in jobs]
        self._ports.queue.ack(deliveries)
        self._hand.drop(deliveries)

    def not_settled(self, jobs: Sequence[Job]) -> None:
        self.release([job.delivery for job in jobs], delay=1.0)

    def ack(self, batch: Batch, jobs: Sequence[Job]) -> None:
        """The end of the pipe for what is not settled here. Does not raise."""
        self._duty.owe(generation_of(batch))
        last = self._duty.give_back(generation_of(batch), len(jobs))
        try:
            if last:
                ask(self._ports, batch)
            self._finished(jobs)
        except Exception as error:  # noqa: BLE001  not acked: they come again
            log.error("ack.failed", f"{type(error).__name__}: {error}", batch_id=batch.id)
            self.release([job.delivery for job in jobs], delay=1.0)

    def over_elsewhere(self, batch: Batch, jobs: Sequence[Job]) -> None:
        """Settled, leased or waiting by another delivery: ack, after whatever that one may have
        left undone. Does not raise."""
        try:
            catch_up(self._ports, batch, jobs)
        except Exception as error:  # noqa: BLE001  not acked: they come again
            log.error("catch_up.failed", f"{type(error).__name__}: {error}", batch_id=batch.id)
            self.give_back(jobs, delay=1.0)
        else:
            self.ack(batch, jobs)

    def give_back(self, jobs: Sequence[Job], delay: float = 0.0) -> None:
        for job in jobs:
            self._duty.give_back(generation_of(job.batch), 1)
        self.release([job.delivery for job in jobs], delay)

    def release(self, deliveries: list[Delivery], delay: float) -> None:
        try:
            self._ports.queue.release(deliveries, delay)
        except Exception as error:  # noqa: BLE001  the lease will end by itself
            log.error("release.failed", f"{type(error).__name__}: {error}")
        self._hand.drop(deliveries)

    def cannot_load(self, delivery: Delivery, view: View) -> None:
        log.error(
            "flow.unloadable", f"{view.problem}; the run will be delivered again",
            batch_id=view.batch.id, attempt=delivery.attempt,
        )  # fmt: skip
        self.release([delivery], backoff(delivery))

    def cannot_handle(self, delivery: Delivery, error: Exception) -> None:
        try:
            dispose(self._ports.queue, delivery, error)
        except Exception as another:  # noqa: BLE001  the lease will end by itself
            log.error("dispose.failed", f"{type(another).__name__}: {another}")
        self._hand.drop([delivery])
