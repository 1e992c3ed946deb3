"""Pacing: attempts of a batch that has a rate begin in turns of their own, and wait for them here.

    admitted ─┐                  ┌── a turn, soon ──▶ parked until then ──▶ ready ──▶ a lane
    retried ──┼──▶ in line ──────┤                                               │
    too late ─┘        ▲         ├── far away ──▶ queued in `lives`, acked        │
                       │         └── paused ────▶ waiting in `lives`, acked       │
                       └───────────────── not in time for its turn ──────────────┘

Nobody who waits holds a lane. One thread looks at the lines and reserves turns for all that wait,
some seconds ahead, in one write; there is none before the first batch with a rate. Whoever begins
an attempt asks for its turn at that very moment: one that is past is lost, like those of a process
that dies, and another is waited for.

What is far away keeps its place under the concurrency limit: did it wait like a late retry, another
record would be let out in its stead, and so on to the last. So it is queued again in its document,
to be published when its time is near. Of a paused batch nothing is let out, and its records wait
until it is resumed.

| a crash here                              | what happens                                        |
|-------------------------------------------|-----------------------------------------------------|
| with turns reserved                       | they are lost; the messages are delivered again     |
| queued or waiting in `lives`, not acked   | delivered again: runs, or is left to whoever wakes  |
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from threading import Condition, Event, Thread
from time import monotonic

from fanfold import log
from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.rate import Turns, step_of
from fanfold.domain.run import RunState
from fanfold.errors import BatchNotFound
from fanfold.ports import Ports
from fanfold.steps.budget import end_if_overdue
from fanfold.steps.policy import Policy
from fanfold.steps.run_flow import Job, live_of
from fanfold.steps.views import Views
from fanfold.worker.parking import Parking
from fanfold.worker.ways_out import WaysOut

#: those that come within so much time share a reservation
_TICK = 0.02
#: who has been in line for so many times the wait in place is put aside, for there is an end to
#: how long a message may be held
_PATIENCE = 2
_KEPT = 64
_AFTER_AN_ERROR = 0.5


class Pacing:
    def __init__(
        self, ports: Ports, policy: Policy, views: Views, parking: Parking, out: WaysOut
    ) -> None:
        self._ports = ports
        self._policy = policy
        self._views = views
        self._parking = parking
        self._out = out
        self._changed = Condition()
        self._lines: dict[str, deque[Job]] = {}
        #: when to ask for turns again, by the monotonic clock, and the step that this was said for
        self._asked: dict[str, tuple[float, float]] = {}
        self._renewed_at = monotonic()
        self._closing = Event()
        self._thread: Thread | None = None

    def line_up(self, jobs: Sequence[Job]) -> None:
        """They go on when it is their turn."""
        now = monotonic()
        with self._changed:
            for job in jobs:
                job.turn = None
                job.lined_up_at = now
                self._lines.setdefault(job.batch.id, deque()).append(job)
            if self._thread is None and not self._closing.is_set():
                self._thread = Thread(target=self._work, name="fanfold-pacing", daemon=True)
                self._thread.start()
            self._changed.notify()

    def begins(self, job: Job) -> bool:
        """Whether its attempt may begin, now; else it is in line again."""
        turn, job.turn = job.turn, None
        if turn is None or turn.is_good(self._ports.clock.now()):
            return True
        self.line_up([job])
        return False

    def close(self) -> list[Job]:
        """Nobody gets a turn any more; those that are in line. May be called again, for those who
        came late."""
        self._closing.set()
        with self._changed:
            self._changed.notify()
            thread = self._thread
        if thread is not None:
            thread.join()
        with self._changed:
            jobs = [job for line in self._lines.values() for job in line]
            self._lines.clear()
        return jobs

    def __len__(self) -> int:
        return sum(map(len, list(self._lines.values())))

    def _work(self) -> None:
        while not self._closing.wait(_TICK):
            with self._changed:
                while not self._lines and not self._closing.is_set():
                    self._changed.wait()
                batches = list(self._lines)
            renews = monotonic() - self._renewed_at >= self._policy.lease_seconds / 3
            if renews:
                self._renewed_at = monotonic()
            for batch_id in batches:
                try:
                    if renews:
                        self._renew(batch_id)
                    self._look(batch_id)
                except Exception as error:  # noqa: BLE001  the loop must outlive whatever happens
                    text = f"{type(error).__name__}: {error}"
                    log.error("pacing.failed", text, batch_id=batch_id)
                    self._closing.wait(_AFTER_AN_ERROR)

    def _renew(self, batch_id: str) -> None:
        """Of those that have a document nobody need publish a second message meanwhile; who gets
        the first one again, should this process die, may run it at once."""
        until = self._ports.clock.now() + self._policy.lease_seconds
        leased = [job for job in list(self._lines[batch_id]) if job.leased]
        if leased:
            lives = [live_of(job, RunState.QUEUED, until, owner=None) for job in leased]
            self._ports.leases.hold(leased[0].batch, lives)

    def _look(self, batch_id: str) -> None:
        try:
            batch = self._views.of(batch_id).batch
        except BatchNotFound:
            jobs = self._all(batch_id)
            self._out.ack(jobs[0].batch, jobs)
            return
        rate = batch.options.rate
        if not batch.is_open or end_if_overdue(self._ports, batch):
            self._out.ack(batch, self._all(batch_id))
        elif rate is None:  # any more: they may all begin
            for job in self._all(batch_id):
                self._parking.park(job, 0.0)
        elif batch.state is BatchState.PAUSED:
            until = self._ports.clock.now()
            self._put_aside(batch, RunState.WAITING, [(it, until) for it in self._all(batch_id)])
        elif not self._has_asked(batch_id, step_of(rate)):
            self._give_turns(batch, step_of(rate))

    def _has_asked(self, batch_id: str, step: float) -> bool:
        until, known = self._asked.get(batch_id, (0.0, step))
        return monotonic() < until and known == step

    def _give_turns(self, batch: Batch, step: float) -> None:
        """To the first in line."""
        ahead, now = self._policy.turns_ahead, self._ports.clock.now()
        line = self._lines[batch.id]  # only this thread takes from it
        turns = self._ports.frontier.reserve(batch.id, len(line), step, ahead, now)
        for turn in turns:
            job = line.popleft()
            job.turn = turn
            self._parking.park(job, turn.at - self._ports.clock.now())
        # when half of what can be reserved is past: more at a time, and in time; and before whoever
        # comes meanwhile has been here for long
        pause = min(turns.next - now - ahead / 2, self._policy.wait_in_place / 2)
        if len(self._asked) >= _KEPT:
            self._asked.clear()  # that costs a question
        self._asked[batch.id] = monotonic() + pause, step
        self._put_aside(batch, RunState.QUEUED, self._far(line, turns, now))
        with self._changed:
            if not line:
                del self._lines[batch.id]

    def _far(self, line: deque[Job], turns: Turns, now: float) -> list[tuple[Job, float]]:
        """Those who would wait too long here, and when to publish them again: before it is their
        turn, as far as can be known here."""
        longest, most = self._policy.wait_in_place, self._policy.aside_seconds
        far: list[tuple[Job, float]] = []
        for place in range(len(line) - 1, -1, -1):
            away = turns.next + place * turns.step - now
            job = line[place]
            if away > longest or monotonic() - job.lined_up_at > _PATIENCE * longest:
                far.append((job, now + min(max(away - longest / 2, longest / 2), most)))
                del line[place]
        return far

    def _put_aside(self, batch: Batch, state: RunState, jobs: list[tuple[Job, float]]) -> None:
        if not jobs:
            return
        lives = [live_of(job, state, until, owner=None) for job, until in jobs]
        away = [job for job, _ in jobs]
        try:
            if state is RunState.WAITING:
                self._ports.leases.wait(batch, lives)
            else:
                self._ports.leases.hold(batch, lives)
        except Exception:
            self.line_up(away)
            raise
        self._out.ack(batch, away)

    def _all(self, batch_id: str) -> list[Job]:
        with self._changed:
            return list(self._lines.pop(batch_id))
