"""What a run remembers, between the store and one attempt of its flow (domain.memo).

Results that are too many for a document lie in a blob of the run's own name, which is replaced each
time, and deleted once the run is settled. Whoever reads it may find more there than the document
that named it knew of: results once known stay true.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial

from fanfold.domain.memo import MAX_INLINE_MEMO_BYTES, Memo
from fanfold.domain.run import RunState
from fanfold.errors import EngineError
from fanfold.execution.durable import Durable
from fanfold.folds.result import Result
from fanfold.folds.stream import stream_results
from fanfold.ports import Ports
from fanfold.steps.children import gathered
from fanfold.steps.policy import Policy
from fanfold.steps.run_flow import Job, live_of

_NOT_INTERACTIVE = (
    "its batch is not interactive. Start it with --interactive, or interactive: true over the API"
)


def durable_of(ports: Ports, policy: Policy, job: Job) -> Durable:
    """For one attempt; made only for a flow that asks for it."""
    memo = job.memo = Memo() if job.memo is None else job.memo
    if memo.blob is not None:
        memo.results |= json.loads(b"".join(ports.blobs.read(memo.blob)))
    parent = job.batch.parent
    its = Durable(
        memo=memo,
        no_questions="" if job.batch.options.interactive else _NOT_INTERACTIVE,
        keep=partial(keep, ports, policy, job),
        gather=partial(gathered, ports, job.batch),
        clock=ports.clock.now,
    )
    if parent is not None and parent.is_fold:
        its.results = partial(_stretch, ports, parent.batch_id)
    return its


def _stretch(ports: Ports, batch_id: str, start: int, stop: int) -> Iterator[Result]:
    batch = ports.batches.get(batch_id)
    return stream_results(ports.runs, ports.batches, ports.blobs, batch, start=start, stop=stop)


def keep(ports: Ports, policy: Policy, job: Job) -> None:
    """Write it down while the run goes on, with a lease: what is kept outlasts this process."""
    until = ports.clock.now() + policy.lease_seconds
    live = live_of(job, RunState.RUNNING, until, ports.owner, memo_text(ports, job))
    ports.leases.hold(job.batch, [live])
    job.leased = True


def memo_text(ports: Ports, job: Job) -> str:
    memo = replace(Memo() if job.memo is None else job.memo, log=list(job.log))
    text = memo.encode()
    if len(text) <= MAX_INLINE_MEMO_BYTES:
        return text
    name = memo_blob(job.batch.id, job.message.generation, job.index)
    ports.blobs.write(name, [json.dumps(memo.results).encode()])
    return replace(memo, results={}, blob=name).encode()


def forget_memo(ports: Ports, memo: Memo) -> None:
    """Of a run that is settled. What a crash leaves of it nobody refers to."""
    if memo.blob is not None:
        with suppress(EngineError):
            ports.blobs.delete(memo.blob)


def memo_blob(batch_id: str, generation: int, index: int) -> str:
    return f"{batch_id}/memos/{generation}/{index}.json"
