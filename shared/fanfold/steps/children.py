"""Children: the items of a scattered node are a batch of their own, and the run waits for it.

    run ──suspend──▶ create the child ─▶ wait, in `lives` ─▶ has it ended? ─▶ ack
                          │                    ▲                 due, if so
                          ▼                    │ due
                    the child runs ─▶ ends ─▶ wake its parent
                          ▲
      fan_out: is the parent still there? ─no─▶ stop the child

The child's id derives from run, node and items: however often the run is delivered, it makes one.
Whoever ends looks for the other *after* having written that it has: either the child's end finds
the run waiting, or the run, having written that it waits, finds the child ended. In the same way a
parent's batch that was stopped stops the children there are, and a child that is made later finds
that its parent has stopped before it begins.

| a crash here                         | what happens                                             |
|--------------------------------------|----------------------------------------------------------|
| child made, the run does not wait    | the redelivered run asks for the same child              |
| the run waits, and has not looked    | its redelivered message finds it waiting, and looks      |
| the child ended, nobody was woken    | its redelivered finalization wakes                       |
| the parent stopped, its children not | its redelivered finalization stops them                  |

When a batch is retried, its runs ask for their children anew, by the same items: what succeeded in
them is not run again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from hashlib import blake2b

from fanfold import log
from fanfold.domain import batch as rules
from fanfold.domain.batch import Batch, BatchState, Ending
from fanfold.domain.lineage import Parent, root_of
from fanfold.domain.memo import Child, Memo, decode
from fanfold.domain.options import BatchOptions
from fanfold.domain.order import parameters_of
from fanfold.domain.outcome import Gathered, Scattered, Slot
from fanfold.domain.run import Live, RunState
from fanfold.errors import BatchNotFound, Conflict, Contended, IllegalTransition
from fanfold.folds.stream import stream_results
from fanfold.ports import Ports
from fanfold.sources.open import open_items
from fanfold.steps.ask import request_finalization
from fanfold.steps.create_batch import BatchRequest, create_batch
from fanfold.steps.family import children_of
from fanfold.steps.fold_pages import finalize_parent
from fanfold.steps.policy import Policy
from fanfold.steps.retry import Selection, retry
from fanfold.steps.wake import due, make_due, wake_due

_UNSUCCESSFUL = frozenset({RunState.FAILED, RunState.CANCELED, RunState.SKIPPED})


def start_child(ports: Ports, batch: Batch, index: int, wanted: Scattered) -> Child:
    """The child batch for these items, made if there is none yet."""
    root = root_of(batch.id, batch.parent)
    parent = Parent(batch.id, index, batch.generation, wanted.place, root)
    items = json.loads(wanted.items)
    digest = blake2b(wanted.items.encode(), digest_size=16).hexdigest()
    part = f"{batch.flow.part}/{wanted.part}" if batch.flow.part else wanted.part
    source = open_items(lambda: items, f"the items of {wanted.place}")
    request = BatchRequest(
        flow=replace(batch.flow, part=part, folds=False),
        options=_options(batch, index, wanted.concurrency),
        source_name=source.name,
        request_id=f"{wanted.place} {digest}",
        principal=f"run:{parent.run_id}",
        owner=batch.owner,
        parent=parent,
    )
    child = create_batch(ports, request, source.lines)
    if child.parent is not None and child.parent.generation < parent.generation:
        _run_again(ports, child, parent, request)
    return Child(child.id, len(items))


def gathered(ports: Ports, parent: Batch, child: Child) -> Gathered | None:
    """The child's results, once it has ended in this generation of its parent."""
    batch = ports.batches.get(child.batch_id)
    asked = batch.parent is not None and batch.parent.generation == parent.generation
    if not batch.ended or not asked:
        return None
    slots = (
        Slot(it.text)
        if it.ok
        else Slot(None, it.error or {"type": "Lost", "message": str(it.status)})
        for it in stream_results(ports.runs, ports.batches, ports.blobs, batch)
    )
    found = tuple(slots)
    # of a batch that was stopped before its items were read
    rest = Slot(None, {"type": "Canceled", "message": f"{batch.id} was stopped"})
    found += (rest,) * (child.items - len(found))
    return Gathered(found, batch.id, batch.closed.spent if batch.closed else 0)


def wake_parent(ports: Ports, policy: Policy, child: Batch) -> None:
    """The child has ended: the run that waits for it goes on. May be repeated."""
    parent = child.parent
    if parent is None or not child.ended:
        return
    if parent.is_fold:
        finalize_parent(ports, child)
        return
    try:
        batch = ports.batches.get(parent.batch_id)
    except BatchNotFound:
        return
    now = ports.clock.now()

    def arrow(live: Live) -> Live:
        known = decode(live.memo).children.get(parent.place)
        if known is None or known.batch_id != child.id:
            return live
        return due(live, generation=parent.generation, now=now)

    if ports.leases.amend(parent.batch_id, parent.index, arrow) is not None and batch.is_open:
        wake_due(ports, policy, batch)


def look_at_children(ports: Ports, batch: Batch, index: int, memo: Memo) -> None:
    """A run waits, and that is written: it is due if what it waits for has ended meanwhile, and its
    children stop if it will never go on."""
    children = memo.awaited_children
    if not children:
        return
    now = ports.batches.get(batch.id)
    if not now.is_open or now.generation != batch.generation:
        stop_all(ports, now, [ports.batches.get(it.batch_id) for it in children])
    elif any(ports.batches.get(it.batch_id).ended for it in children):
        make_due(ports, batch, index)


def stop_children(ports: Ports, batch: Batch) -> None:
    """The batch was stopped: so are those that its runs have made. May be repeated."""
    stop_all(ports, batch, children_of(ports, batch.id))


def stop_all(ports: Ports, parent: Batch, children: Iterable[Batch]) -> None:
    if parent.ending is None:
        ending = Ending(BatchState.CANCELED, f"its run, of {parent.id}, has ended without it")
    else:
        why = f"{parent.id}, whose run it belongs to, was stopped: {parent.ending.reason}"
        ending = Ending(parent.ending.state, why)
    for child in children:
        if not child.is_open and child.state is not BatchState.CANCELING:
            continue
        try:
            stopped = ports.batches.amend(child.id, partial(rules.stop, ending=ending))
        except IllegalTransition:  # it has ended meanwhile
            continue
        request_finalization(ports, stopped)
        log.info("child.stopped", ending.reason, batch_id=child.id)


def abandon_children(ports: Ports, batch: Batch, memo: Memo) -> None:
    """A run has ended while items of its were still running: nobody waits for them any more."""
    stop_all(ports, batch, [ports.batches.get(it.batch_id) for it in memo.awaited_children])


def stop_if_orphaned(ports: Ports, child: Batch) -> bool:
    """Asked before anything of it is begun: if nobody waits for it any more it is stopped."""
    if child.parent is None or not child.is_open or _is_waited_for(ports, child.parent):
        return False
    reason = f"{child.parent.batch_id}, whose run it belongs to, has ended"
    ending = Ending(BatchState.CANCELED, reason)
    ports.batches.amend(child.id, partial(rules.stop, ending=ending))
    return True


def _is_waited_for(ports: Ports, parent: Parent) -> bool:
    try:
        batch = ports.batches.get(parent.batch_id)
    except BatchNotFound:
        return False
    goes_on = batch.state is BatchState.FINALIZING if parent.is_fold else batch.is_open
    return goes_on and batch.generation == parent.generation


def _options(batch: Batch, index: int, concurrency: int) -> BatchOptions:
    """What holds of the batch holds of its children: who may what, how urgent it is, what it may
    cost. How attempts are made is the node's own."""
    own = batch.options
    return BatchOptions(
        concurrency=concurrency,
        parameters=parameters_of(own, index),
        interactive=own.interactive,
        priority=own.priority,
        max_spend=own.max_spend,
        managers=own.managers,
        monitors=own.monitors,
        key=own.key,
    )


def _run_again(ports: Ports, child: Batch, parent: Parent, request: BatchRequest) -> None:
    """Its parent's batch is retried: what has not succeeded in it is, too."""
    if not child.ended:
        raise Contended(f"{child.id} is still being stopped: its run asks for it again soon")
    selection = Selection(states=_UNSUCCESSFUL, what=f"its run is tried again in {parent.batch_id}")
    changes = {"parameters": request.options.parameters, "concurrency": request.options.concurrency}
    try:
        retried = retry(ports, child.id, selection, changes, flow=request.flow, parent=parent)
    except Conflict:  # another delivery of the same run was faster
        now = ports.batches.get(child.id)
        if now.parent is not None and now.parent.generation == parent.generation:
            return
        raise Contended(f"{child.id} is being run again: its run asks for it soon") from None
    if not retried.records:
        ports.batches.amend(child.id, partial(_asked_by, parent=parent))


def _asked_by(child: Batch, *, parent: Parent) -> Batch:
    return replace(child, parent=parent)
