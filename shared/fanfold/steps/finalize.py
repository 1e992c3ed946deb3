"""finalize: close the tally, certify, fold, write the output, end the batch.

    close (one winner) → recount → fold → end → those that wait for it (steps.follow)
                         └─ of a large one others make the pages (steps.fold_pages)

| a crash here           | what happens                                                         |
|------------------------|----------------------------------------------------------------------|
| before the close       | the redelivered message closes it                                    |
| after the close        | the claim ends, the redelivered message takes over and folds again   |
| while folding          | the same; an attempt was counted before, and three are the limit     |
| output written, no end | the same: the output has one name, writing it again replaces it      |
| after the end          | the redelivered message finds it ended, tells, looks for those that  |
|                        | wait for it, and wakes the run that it is part of                    |

Whoever meets a living claim stands aside. The claim's holder has a message of its own, not acked
before the end, so another first delivery is simply done with; a redelivery may be that very
message, and comes again when the claim has ended.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from threading import Event, Thread
from typing import Protocol

from fanfold import log
from fanfold.domain import announce
from fanfold.domain import batch as rules
from fanfold.domain.batch import Batch, BatchState, Claim
from fanfold.domain.certificate import Certificate
from fanfold.domain.finalizing import MAX_FOLD_ATTEMPTS, begin_fold, holds_claim, renew_claim
from fanfold.domain.flow import Flow, FlowRef, type_of_fold
from fanfold.domain.messages import FinalizationMessage
from fanfold.domain.outcome import Blame, Failure, Value, printable
from fanfold.domain.pruning import check_not_pruned
from fanfold.domain.tally import Tally
from fanfold.errors import EngineError
from fanfold.folds.apply import apply_fold
from fanfold.folds.as_json import as_json
from fanfold.folds.stream import stream_results
from fanfold.ports import Ports
from fanfold.steps.children import stop_children, wake_parent
from fanfold.steps.fold_pages import folded, tree_of, waits_for_pages
from fanfold.steps.follow import bring_on_followers
from fanfold.steps.outputs import store_output
from fanfold.steps.policy import Policy
from fanfold.steps.retry import clear
from fanfold.steps.tell import tell


class Flows(Protocol):
    """Where a batch's flow is found (execution.library)."""

    def resolve(self, ref: FlowRef) -> Flow: ...


#: of the claim that is the last, on the batch before it
Renewing = Callable[[Ports, Policy, str, str], AbstractContextManager[None]]


def finalize(
    ports: Ports,
    policy: Policy,
    flows: Flows,
    message: FinalizationMessage,
    *,
    repeated: bool = False,
    renewing: Renewing | None = None,
) -> float:
    """Do it, or stand aside; seconds after which the message should come again, 0 if never.
    `renewing`: while what it makes is entered the claim is renewed, by a thread if it is None."""
    now = ports.clock.now()
    # the claim's token makes two finalizers of one process two
    claim = Claim(f"{ports.owner}/{ports.ids.token()}", now + policy.claim_seconds)
    batch = ports.batches.close(message.batch_id, message.generation, claim, now)
    if batch.generation != message.generation or batch.state is not BatchState.FINALIZING:
        if batch.ended:  # by somebody who may have died before saying so
            _follow_up(ports, policy, batch)
        return 0.0
    if batch.claim is None or batch.claim.owner != claim.owner:
        living = (batch.claim.until if batch.claim else now) - now
        return max(0.1, min(60.0, living)) if repeated else 0.0
    with (renewing or _Renewal)(ports, policy, batch.id, claim.owner):
        if _folds_apart(ports, policy, flows, batch, claim):
            return 0.0
        ended = _finish(ports, policy, flows, batch, claim)
    _follow_up(ports, policy, ended)
    return 0.0


def certify(ports: Ports, batch: Batch, now: float) -> Certificate:
    """The closed counts beside a recount from the runs' own documents."""
    check_not_pruned(batch)
    closed = batch.closed or Tally()
    recount = ports.runs.recount(batch.id)
    return Certificate(
        total=batch.known_total,
        succeeded=closed.succeeded,
        failed=closed.failed,
        canceled=closed.canceled,
        skipped=closed.skipped,
        digest=closed.digest,
        expected_digest=rules.expected_digest(batch),
        recounted_succeeded=recount.succeeded,
        recounted_failed=recount.failed,
        recounted_digest=recount.digest,
        at=now,
        whole=batch.ending is None,
    )


class _Renewal:
    """Keeps the claim alive while a long fold works, so that nobody begins it anew."""

    def __init__(self, ports: Ports, policy: Policy, batch_id: str, owner: str) -> None:
        self._ports = ports
        self._policy = policy
        self._batch_id = batch_id
        self._owner = owner
        self._done = Event()
        self._thread = Thread(target=self._work, name="fanfold-claim", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._done.wait(self._policy.claim_seconds / 3):
            until = self._ports.clock.now() + self._policy.claim_seconds
            renew = partial(renew_claim, claim=Claim(self._owner, until))
            try:
                self._ports.batches.amend(self._batch_id, renew)
            except EngineError as error:
                log.warning("claim.not_renewed", str(error), batch_id=self._batch_id)


def _folds_apart(ports: Ports, policy: Policy, flows: Flows, batch: Batch, claim: Claim) -> bool:
    """Whether others are making the pages of its fold."""
    if not batch.flow.folds or batch.ending is not None:
        return False
    try:
        flow = flows.resolve(batch.flow)
    except Exception:  # noqa: BLE001  a fold that cannot be loaded has failed: see _fold
        return False
    return waits_for_pages(ports, policy, flow, batch, claim.owner)


def _finish(ports: Ports, policy: Policy, flows: Flows, batch: Batch, claim: Claim) -> Batch:
    if batch.ending is not None:
        stop_children(ports, batch)
    if batch.chosen is not None and not batch.chosen.cleared:
        # stopped before the old outcomes of its records were removed, and these are not counted
        clear(ports, batch, 0, lambda: False)
    state = rules.verdict(batch)
    certificate, output, failure = _certified_and_folded(ports, policy, flows, batch, claim)
    if not certificate.holds:
        state, output = BatchState.FAILED, None
        failure = Failure(
            Blame.ERROR, "Integrity", "the certificate does not hold: see `fanfold verify`"
        )
        log.error("finalize.integrity", failure.message, batch_id=batch.id)
    elif batch.ending is not None:
        failure = Failure(Blame.ERROR, batch.ending.state.capitalize(), batch.ending.reason)
    elif failure is not None:
        state = BatchState.FAILED
    ended = ports.batches.amend(
        batch.id,
        partial(
            _end, state=state, at=ports.clock.now(), failure=failure, output=output,
            certificate=certificate, claim=claim,
        ),
    )  # fmt: skip
    log.info("batch.ended", state, batch_id=batch.id)
    return ended


def _follow_up(ports: Ports, policy: Policy, ended: Batch) -> None:
    """May be repeated."""
    bring_on_followers(ports, ended)
    tell(ports, ended)
    wake_parent(ports, policy, ended)


def _certified_and_folded(
    ports: Ports, policy: Policy, flows: Flows, batch: Batch, claim: Claim
) -> tuple[Certificate, Value | None, Failure | None]:
    """A fold is called only for results that are whole; but where reading takes its time, the
    recount is under way meanwhile, and what the fold made is thrown away if they are not."""
    if not ports.runs.reads_ahead or batch.ending is not None:
        certificate = certify(ports, batch, ports.clock.now())
        if not certificate.holds or batch.ending is not None:
            return certificate, None, None
        return certificate, *_fold(ports, policy, flows, batch, claim)
    with ThreadPoolExecutor(1, "fanfold-certify") as pool:
        certifying = pool.submit(certify, ports, batch, ports.clock.now())
        output, failure = _fold(ports, policy, flows, batch, claim)
        return certifying.result(), output, failure


def _folded(ports: Ports, policy: Policy, flow: Flow, fold: type_of_fold, batch: Batch) -> str:
    tree = tree_of(policy, flow, batch)
    if tree is not None:
        return as_json(folded(ports, policy, batch, tree))
    return apply_fold(fold, stream_results(ports.runs, ports.batches, ports.blobs, batch))


def _end(
    batch: Batch,
    *,
    state: BatchState,
    at: float,
    failure: Failure | None,
    output: Value | None,
    certificate: Certificate,
    claim: Claim,
) -> Batch:
    if not holds_claim(batch, claim.owner):
        return batch  # taken over while this one was slow: theirs stands
    return announce.ended(rules.end(batch, state, at, failure, output, certificate), at)


def _begin(batch: Batch, *, owner: str) -> Batch:
    """Not by whom another has relieved: the batch may have ended since, and even run again."""
    return begin_fold(batch) if holds_claim(batch, owner) else batch


def _fold(
    ports: Ports, policy: Policy, flows: Flows, batch: Batch, claim: Claim
) -> tuple[Value | None, Failure | None]:
    """The output, or why there is none. Tries left over from a finalizer that died count."""
    if not batch.flow.folds or batch.single:
        return None, None
    last = Failure(Blame.DIED, "FoldDied", "the fold ended its process each time it was tried")
    while True:
        batch = ports.batches.amend(batch.id, partial(_begin, owner=claim.owner))
        if not holds_claim(batch, claim.owner):  # what it made would be thrown away (see _end)
            return None, None
        if batch.fold_attempts > MAX_FOLD_ATTEMPTS:
            return None, last
        try:
            flow = flows.resolve(batch.flow)
            if flow.fold is None:  # today's version of the flow has none
                return None, None
            name = f"{batch.id}/output-{batch.generation}.json"
            return store_output(ports, name, _folded(ports, policy, flow, flow.fold, batch)), None
        except EngineError:
            raise  # not the fold's doing
        except Exception as error:  # noqa: BLE001  the user's code may raise anything
            text = printable(f"the fold failed: {error}")
            last = Failure(Blame.ERROR, type(error).__name__, text)
            log.warning("fold.failed", last.message, batch_id=batch.id, attempt=batch.fold_attempts)
