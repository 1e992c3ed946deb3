"""run_flow: a message becomes an outcome. A pipe of named steps over one value, the `Job`.

    decode → resolve → admit → (execute) → conclude → settle → advance, ask → ack

Each step may be repeated; the ack is last, so a crash anywhere before it means redelivery.
Executing is the worker's part, for it needs threads; settling is steps.settle's, for it is done in
groups. `admit` decides what is to be done with a job:

| admission | when                                                | then                           |
|-----------|-----------------------------------------------------|--------------------------------|
| RUN       | first delivery, or redelivered and none of these    | execute                        |
| ALONE     | third delivery or later: it may kill processes      | execute in a child process     |
| SETTLED   | redelivered, and its run is settled                 | repair, advance, ask, ack      |
| LEASED    | redelivered, and somebody is at it, or it waits     | ack: the lease's end brings it |
| DROPPED   | the batch is stopped, paused without a limit,       | ack                            |
|           | closed, or a generation later                       |                                |
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from fanfold.domain.batch import Batch
from fanfold.domain.flow import Flow
from fanfold.domain.memo import Memo
from fanfold.domain.memo import decode as decode_memo
from fanfold.domain.messages import RunMessage
from fanfold.domain.outcome import (
    Attempt,
    Outcome,
    Returned,
    Succeeded,
)
from fanfold.domain.rate import Turn
from fanfold.domain.retry import Again, RetryPolicy, Wait, decide
from fanfold.domain.run import (
    MAX_LOG_CHARS,
    MAX_LOG_ENTRIES,
    Live,
    LogEntry,
    Run,
    RunState,
    is_free,
)
from fanfold.errors import MessageInvalid
from fanfold.ports import Delivery, Ports
from fanfold.steps.budget import end_if_overdue
from fanfold.steps.outputs import store_output
from fanfold.steps.pause import is_acked_unrun
from fanfold.steps.policy import Policy


class Admission(Enum):
    RUN = "run"
    ALONE = "alone"
    SETTLED = "settled"
    LEASED = "leased"
    DROPPED = "dropped"


@dataclass(slots=True)
class Job:
    """One delivery of one run, on its way through the pipe."""

    delivery: Delivery
    message: RunMessage
    #: this process' view of the batch, at most `Policy.view_seconds` old
    batch: Batch
    flow: Flow
    key: str | None = None
    #: attempts that counted, earlier deliveries' included where they are known
    attempts: int = 0
    rate_limited: int = 0
    started_at: float = 0.0
    seconds: float = 0.0
    #: what its flow says that it has cost (domain.money)
    spent: int = 0
    log: list[LogEntry] = field(default_factory=list)
    #: whether it has a live document: a lease, or what an earlier delivery left
    leased: bool = False
    #: what it remembers (domain.memo), where an earlier attempt has left something or this one asks
    memo: Memo | None = None
    #: with a rate: when its next attempt may begin, and since when it waits to be told
    turn: Turn | None = None
    lined_up_at: float = 0.0

    def note(self, entries: Sequence[LogEntry]) -> None:
        """Add an attempt's log. All attempts together keep no more than one may write, the latest:
        a run's document has to fit whatever it went through."""
        if not entries:
            return
        kept: list[LogEntry] = []
        chars = 0
        for entry in reversed([*self.log, *entries]):
            chars += len(entry.message) + len(entry.fields)
            if len(kept) == MAX_LOG_ENTRIES or chars > MAX_LOG_CHARS:
                break
            kept.append(entry)
        self.log = kept[::-1]

    @property
    def index(self) -> int:
        return self.message.index

    @property
    def deliveries(self) -> int:
        """Of this message, and of those it was published in the stead of."""
        return self.delivery.attempt + self.message.attempt - 1

    @property
    def timeout(self) -> float | None:
        own = self.batch.options.timeout
        return own if own is not None else self.flow.timeout

    @property
    def retry(self) -> RetryPolicy:
        retries = self.batch.options.retries
        return self.flow.retry if retries is None else replace(self.flow.retry, retries=retries)


def decode(delivery: Delivery) -> RunMessage:
    """Raises MessageInvalid, which sends it to the dead letters."""
    return RunMessage.decode(delivery.body)


def resolve(ports: Ports, job: Job) -> Any:
    """The record's data, parsed anew for each attempt: no attempt sees what another changed."""
    if job.message.record is not None:
        job.key = job.message.record.key
        if job.attempts == 0:
            return job.message.record.data
        return json.loads(job.delivery.body)["record"]["data"]
    for record in ports.batches.records(job.batch.id, job.index, job.index + 1):
        job.key = record.key
        return record.data
    raise MessageInvalid(f"{job.batch.id} has no record {job.index}")


def admit(
    ports: Ports, policy: Policy, batch: Batch, jobs: Sequence[Job]
) -> list[tuple[Job, Admission]]:
    """What to do with jobs of one batch. A fresh delivery costs no read."""
    if not batch.is_open or end_if_overdue(ports, batch) or is_acked_unrun(ports, batch):
        return [(job, Admission.DROPPED) for job in jobs]
    doubtful = [job.index for job in jobs if _is_doubtful(job)]
    settled = ports.runs.read(batch.id, doubtful) if doubtful else {}
    lives = ports.leases.lives(batch.id, doubtful) if doubtful else {}
    return [(job, _admit_one(ports, policy, job, batch, settled, lives)) for job in jobs]


def _is_doubtful(job: Job) -> bool:
    return job.deliveries > 1


def _admit_one(
    ports: Ports,
    policy: Policy,
    job: Job,
    batch: Batch,
    settled: dict[int, Run],
    lives: dict[int, Live],
) -> Admission:
    if job.message.generation != batch.generation:
        return Admission.DROPPED
    if not _is_doubtful(job):
        return Admission.RUN
    if job.index in settled:
        return Admission.SETTLED
    live = lives.get(job.index)
    if live is not None:
        if live.memo:
            job.memo = decode_memo(live.memo)
            job.log = job.memo.log
        if not is_free(live, ports.owner, ports.clock.now()):
            return Admission.LEASED
        job.leased = True
        job.attempts = live.attempts
        job.rate_limited = live.rate_limited
        job.started_at = live.started_at
        job.seconds = live.seconds
        job.spent = live.spent
    return Admission.ALONE if job.deliveries >= policy.isolate_from else Admission.RUN


def conclude(ports: Ports, job: Job, attempt: Attempt) -> Run | Again | Wait:
    """One attempt is over: the settled run, or when to try again, or what it waits for. The caller
    counts the attempt first (`job.attempts`); one that burns nothing is taken back here."""
    if isinstance(attempt, Returned):  # nearly always, and there is nothing to decide
        return run_of(ports, job, _succeeded(ports, job, attempt.output))
    decision = decide(
        attempt,
        attempts=job.attempts,
        rate_limited=job.rate_limited,
        policy=job.retry,
        uniform=ports.ids.uniform,
    )
    if isinstance(decision, Wait):
        job.attempts -= 1
        return decision
    if isinstance(decision, Again):
        if not decision.burns:
            job.attempts -= 1
            job.rate_limited += 1
        return decision
    return run_of(ports, job, decision.outcome)


def run_of(ports: Ports, job: Job, outcome: Outcome) -> Run:
    now = ports.clock.now()
    return Run(
        batch_id=job.batch.id,
        index=job.index,
        generation=job.message.generation,
        key=job.key,
        outcome=outcome,
        attempts=job.attempts,
        started_at=job.started_at or now,
        ended_at=now,
        seconds=job.seconds,
        log=tuple(job.log),
        flow_version=job.flow.version,
        spent=job.spent,
    )


def live_of(job: Job, state: RunState, until: float, owner: str | None, memo: str = "") -> Live:
    return Live(
        batch_id=job.batch.id,
        index=job.index,
        generation=job.message.generation,
        state=state,
        until=until,
        owner=owner,
        attempts=job.attempts,
        rate_limited=job.rate_limited,
        started_at=job.started_at,
        seconds=job.seconds,
        spent=job.spent,
        memo=memo,
    )


def _succeeded(ports: Ports, job: Job, output: str) -> Succeeded:
    """A large output goes to Blobs, under the run's own name: repeating it replaces it."""
    name = f"{job.batch.id}/outputs/{job.message.generation}/{job.index}.json"
    return Succeeded(store_output(ports, name, output))
