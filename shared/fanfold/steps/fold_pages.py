"""A large fold that is a tree is made by all workers: its pages are the records of a child batch.

    finalize ─▶ child: pages ─▶ let go of the claim ─▶ has it ended? ─▶ (ack)
                   │                                        finalize again, if so
                   ▼
             leaf, leaf, leaf … ─▶ ends ─▶ ask for the batch's finalization
                                               │
    finalize ◀─────────────────────────────────┘   combine the partials, in order ─▶ output

While the pages are folded nobody holds the batch. Who ends the child asks for the finalization
*after* it has ended; who made it looks *after* having let go: one of them sees the other. A page
that fails has its attempts as any record has; then the fold has failed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from fanfold.domain.batch import Batch
from fanfold.domain.finalizing import let_go
from fanfold.domain.flow import Flow
from fanfold.domain.lineage import FOLD, NO_RUN, Parent, root_of
from fanfold.domain.options import BatchOptions
from fanfold.errors import BatchNotFound, FlowInvalid
from fanfold.folds.stream import stream_results
from fanfold.folds.trees import Tree
from fanfold.ports import Ports
from fanfold.sources.open import open_items
from fanfold.steps.ask import request_finalization
from fanfold.steps.create_batch import BatchRequest, create_batch
from fanfold.steps.policy import Policy


def tree_of(policy: Policy, flow: Flow, batch: Batch) -> Tree | None:
    """Its fold, if that is to be made of pages by others."""
    if batch.single or batch.ending is not None or not isinstance(flow.fold, Tree):
        return None
    return flow.fold if batch.known_total > policy.fold_pages * flow.fold.page else None


def waits_for_pages(ports: Ports, policy: Policy, flow: Flow, batch: Batch, owner: str) -> bool:
    """Whether the fold's pages are being made; then the claim has been let go."""
    tree = tree_of(policy, flow, batch)
    if tree is None:
        return False
    pages = pages_of(ports, policy, batch, tree)
    if pages.ended:
        return False
    ports.batches.amend(batch.id, partial(let_go, owner=owner, now=ports.clock.now()))
    if ports.batches.get(pages.id).ended:
        request_finalization(ports, batch)
    return True


def pages_of(ports: Ports, policy: Policy, batch: Batch, tree: Tree) -> Batch:
    """The child batch of the fold's pages, made if there is none yet."""
    root = root_of(batch.id, batch.parent)
    parent = Parent(batch.id, NO_RUN, batch.generation, FOLD, root)
    pages = [{"start": it.start, "stop": it.stop} for it in tree.pages(batch.known_total)]
    source = open_items(lambda: pages, "the pages of its fold")
    own = batch.options
    request = BatchRequest(
        flow=replace(batch.flow, part=FOLD, folds=False),
        options=BatchOptions(
            concurrency=policy.fold_concurrency,
            priority=own.priority,
            managers=own.managers,
            monitors=own.monitors,
        ),
        source_name=source.name,
        request_id=f"fold {batch.generation}",
        principal=f"batch:{batch.id}",
        owner=batch.owner,
        parent=parent,
    )
    return create_batch(ports, request, source.lines)


def folded(ports: Ports, policy: Policy, batch: Batch, tree: Tree) -> object:
    """The fold's output, of the pages that have been made. Raises what one has failed of."""
    return tree.output(tree.joined(_partials(ports, pages_of(ports, policy, batch, tree))))


def finalize_parent(ports: Ports, child: Batch) -> None:
    """A fold's pages have ended: the batch goes on being finalized."""
    if child.parent is not None:
        try:
            request_finalization(ports, ports.batches.get(child.parent.batch_id))
        except BatchNotFound:
            return


def _partials(ports: Ports, pages: Batch) -> Iterator[str]:
    for it in stream_results(ports.runs, ports.batches, ports.blobs, pages):
        if it.text is None:
            error = it.error or {"type": str(it.status), "message": ""}
            raise FlowInvalid(f"page {it.index} of it: {error['type']}: {error['message']}")
        yield it.text
