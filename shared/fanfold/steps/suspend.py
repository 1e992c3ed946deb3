"""suspend: a run waits for somebody, or for its items, and holds no process.

    its items become batches ─▶ wait, with what it remembers ─▶ look at them ─▶ advance ─▶ (ack)

A crash before the last step leaves the message: see steps.children.
"""

from __future__ import annotations

from functools import partial

from fanfold import log
from fanfold.domain.announce import asked
from fanfold.domain.memo import Memo
from fanfold.domain.outcome import Waits
from fanfold.domain.run import RunState
from fanfold.ports import Ports
from fanfold.steps.advance import advance
from fanfold.steps.children import look_at_children, start_child
from fanfold.steps.memory import memo_text
from fanfold.steps.run_flow import Job, live_of
from fanfold.steps.tell import tell_in_passing
from fanfold.steps.wake import NEVER

#: a run that waits for its items looks itself after so long, should nobody have woken it
_LOOK_AGAIN = 3600.0


def suspend(ports: Ports, job: Job, waits: Waits) -> None:
    """The caller acks."""
    memo = job.memo = Memo() if job.memo is None else job.memo
    for wanted in waits.scattered:
        memo.children[wanted.place] = start_child(ports, job.batch, job.index, wanted)
    until = NEVER if waits.until is None else waits.until
    if waits.scattered:
        until = min(until, ports.clock.now() + _LOOK_AGAIN)
    live = live_of(job, RunState.WAITING, until, None, memo_text(ports, job))
    ports.leases.wait(job.batch, [live])
    questions = [it.text for it in memo.open_questions.values()]
    log.info(
        "run.waits", "; ".join(questions) or "for its items",
        batch_id=job.batch.id, index=job.index, children=len(waits.scattered),
    )  # fmt: skip
    if questions:
        arrow = partial(asked, question=questions[0], record=job.index, now=ports.clock.now())
        tell_in_passing(ports, ports.batches.amend(job.batch.id, arrow))
    look_at_children(ports, job.batch, job.index, memo)
    advance(ports, job.batch, job.index)
