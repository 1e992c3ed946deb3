"""When nobody can move: is something lost, does time have to pass, is it all over?

| at rest there is                 | and then                                                  |
|----------------------------------|-----------------------------------------------------------|
| something the user still wants   | the user comes                                            |
| a message that may be had later  | time passes until then                                    |
| one that comes after others, and | nothing may be lost, as below                             |
| has not ended though they have;  |                                                           |
| items that nobody brings on      |                                                           |
| an ended batch, and no message   | what has become of it is held against its records         |
| a batch that the user has paused | the user resumes it, or leaves it so                      |
| a live document                  | time passes until it is due, and somebody goes round      |
| none of these                    | nothing may be lost: *nobody needs the sweep*. Only where |
|                                  | something broke off that has no message (a user, a sweep) |
|                                  | the sweep must find it, in so many rounds                 |
"""

from __future__ import annotations

from collections.abc import Callable

from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.order import is_dispatchable
from fanfold.domain.run import RunState
from fanfold.ports import Ports
from fanfold.steps.dispatch import indexes_at
from fanfold.steps.finalize import certify
from fanfold.testing.clock import StillClock
from fanfold.testing.simulation.model import Model
from fanfold.testing.simulation.plan import Fate
from fanfold.testing.simulation.schedule import HUNG, STALLED, USER, Schedule
from fanfold.testing.simulation.tables import WAITING, Tables

#: the sweep looks twice before it calls a batch quiet, and waits in between
_ROUNDS = 40
_MOMENT = 0.001
#: A message that comes again while its first delivery is in work is one message in two hands:
#: acking the one acks the other. If then something breaks off as well, what was left undone in the
#: other hand (a question, a release that is in the outbox) has no message, and waits for the sweep.
_OVERLAPS = {"lease", "minute", "hang"}
_BREAKS = {"crash before", "crash after", "lost", "refused"}
#: what a record's run may come to
_BECOMES: dict[Fate, tuple[RunState, ...]] = {
    "ok": (RunState.SUCCEEDED,),
    "later": (RunState.SUCCEEDED,),
    "at once": (RunState.SUCCEEDED,),
    "fail": (RunState.FAILED,),
    "fatal": (RunState.FAILED,),
}


class Rest:
    def __init__(
        self,
        schedule: Schedule,
        model: Model,
        tables: Tables,
        clock: StillClock,
        ports: Ports,
        *,
        sweep_seconds: float,
        pass_: Callable[[float], None],
        resume: Callable[[], None],
    ) -> None:
        """`ports` are nobody's: to look with. `pass_` has time pass, `resume` the user go on with
        what is paused."""
        self._schedule = schedule
        self._model = model
        self._tables = tables
        self._clock = clock
        self._ports = ports
        self._sweep_seconds = sweep_seconds
        self._pass = pass_
        self._resume = resume
        self._rounds = 0

    def __call__(self) -> bool:
        """Whether anybody can move now."""
        if self._schedule.stir(STALLED) or self._schedule.stir(USER):
            return True
        if self._schedule.random() < 0.5 and self._schedule.stir(HUNG):
            return True
        self._rounds += 1
        if self._rounds > _ROUNDS:
            batch = self._model.batch
            state = "no batch" if batch is None else batch.state
            self._violate("at rest the batch is closed", f"{state}, and nothing brings it on")
            return False
        visible = self._tables.next_visible()
        if visible is not None:
            return self._pass_until(visible)
        if self._schedule.stir(HUNG):
            return True
        batch = self._model.batch
        if batch is None:  # its user died before there was one
            return False
        followers, children = self._model.followers, self._model.children
        left = followers.left_behind() or children.left_behind(self._tables, self._clock.now())
        if left:
            if not self._is_excused():
                self._violate("nothing needs the sweep that has a message", left)
                return False
            return self._pass_until(self._clock.now() + self._sweep_seconds)
        if batch.ended:
            self._check_end(batch)
            return False
        return self._goes_on(batch)

    def _goes_on(self, batch: Batch) -> bool:
        if self._is_lost(batch):
            return False
        if batch.state is BatchState.PAUSED and batch.winding_down is None:
            if self._schedule.random() < 0.5:
                return False
            self._resume()
            return True
        now = self._clock.now()
        due = self._tables.next_due(now)
        if batch.winding_down is not None:
            due = min(due or batch.winding_down.until, batch.winding_down.until)
        if batch.state is BatchState.FINALIZING and batch.claim is not None:
            due = max(now + self._sweep_seconds, batch.claim.until)
        return self._pass_until(now + self._sweep_seconds if due is None else due)

    def _pass_until(self, moment: float) -> bool:
        self._schedule.tell("time passes, for nobody can move")
        self._pass(max(0.0, moment - self._clock.now()) + _MOMENT)
        return True

    # ----------------------------------------------------- is nothing lost

    def _is_lost(self, batch: Batch) -> bool:
        """Whether, without a message, something is left undone that nobody will come for."""
        if self._is_excused():
            return False
        lost = self._lost(batch)
        if lost:
            self._violate("nothing needs the sweep that has a message", lost)
        return bool(lost)

    def _is_excused(self) -> bool:
        happened = set(self._schedule.happened)
        return self._schedule.sweep_must_mend or bool(happened & _OVERLAPS and happened & _BREAKS)

    def _lost(self, batch: Batch) -> str:
        if not batch.is_open:
            return f"there is no message, and the batch is {batch.state}"
        unlimited = batch.options.concurrency is None
        paused = batch.state is BatchState.PAUSED
        if not batch.sealed or not is_dispatchable(batch):
            return "the fan-out's message is gone, and it has not come to its end"
        settled, lives = self._model.settled(), self._model.lives()
        if batch.is_complete(len(settled)):
            return "every record is settled, and nobody has asked whether"
        if paused and unlimited:
            return ""
        total = batch.positions
        released = total if unlimited else self._model.seen().released or 0
        dispatched = indexes_at(self._ports, batch, range(released))
        gone = [it for it in dispatched if it not in settled and it not in lives]
        if gone:
            return f"records {gone} have no message, no lease and no wait"
        waiting = sum(it[0] == WAITING for it in lives.values())
        flight = released - len(settled) - waiting
        if not paused and batch.releasable < total and not flight and not waiting:
            return f"the canary of {batch.releasable} is over, and nobody has judged it"
        if not paused and released < batch.releasable and flight < (batch.options.concurrency or 0):
            return f"{released} of {total} are released, and {flight} are in flight: nobody goes on"
        return ""

    # --------------------------------------------------------- the end

    def _check_end(self, batch: Batch) -> None:
        documents = self._model.documents
        closed, certificate = batch.closed, batch.certificate
        if closed is None or certificate is None or not certificate.holds:
            self._violate("the certificate holds", f"{batch.state} with {certificate}")
            return
        if not certify(self._ports, batch, self._clock.now()).holds:
            self._violate("the certificate holds", "derived anew it does not")
        total = self._model.total()
        if not closed.settled == batch.known_total == total:
            self._violate(
                "counts are conserved", f"{closed.settled} of {batch.known_total} of {total}"
            )
        states = [it[1] for it in documents.values()]
        told = closed.succeeded, closed.failed
        if told != (states.count(RunState.SUCCEEDED), states.count(RunState.FAILED)):
            self._violate("counts are conserved", f"closed with {told}, and there are {states}")
        if batch.ending is None:
            if batch.generation not in self._model.folded:
                self._violate("the fold sees each record once", "it was not called")
            if batch.output is None or batch.output.text != str(total):
                self._violate("the fold sees each record once", f"its output is {batch.output}")
        self._check_outcomes()
        if self._model.lives():
            self._violate("at rest the batch is closed", "it has ended, and runs still live")

    def _check_outcomes(self) -> None:
        """Each record has its own result, whoever ran it and however often."""
        for index, (_, status, output, detail) in self._model.documents.items():
            fate = self._schedule.plan.fates[index]
            if '"undeliverable"' in detail:
                continue
            if status not in _BECOMES[fate] or (
                status == RunState.SUCCEEDED and output != f'{{"n":{index}}}'
            ):
                self._violate(
                    "each record has its own result", f"record {index} ({fate}): {status} {output}"
                )

    def _violate(self, invariant: str, what: str) -> None:
        self._schedule.violate(invariant, what)
