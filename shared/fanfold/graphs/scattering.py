"""A node that runs once for each item: in this process, or as a batch of its own.

    items ──▶ few ──▶ threads here, as many as the node's concurrency ──▶ outputs, in order
          └─▶ many ─▶ a child batch; the run waits ─────────────────────▶ outputs, in order

No item is lost and none moves up: one that fails has its slot, which either fails the run or is
handed on.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from fanfold.domain.outcome import Gathered, Interrupted, Slot
from fanfold.errors import Fatal, Permanent
from fanfold.execution.context import Context
from fanfold.execution.durable import Suspended
from fanfold.execution.failures import attempt_of
from fanfold.graphs.graph import FAILED, Node, Scatter
from fanfold.graphs.node import as_seen_from, call_node, copies, counting

#: more items than these are a batch of their own, where that is left open
MANY = 500


class NotAList(Permanent):
    """A scattered node takes a list."""


class ItemsFailed(Permanent):
    """Some items of a scattered node failed."""


@dataclass(frozen=True, slots=True)
class Found:
    #: JSON text of the list
    text: str
    #: whether the results are kept in a batch of their own
    is_kept: bool = False


def scattered(node: Node, scatter: Scatter, text: str, context: Context) -> Found:
    """Raises ItemsFailed, or Suspended while there are none yet."""
    items = json.loads(text)
    if not isinstance(items, list):
        raise NotAList(f"node {context.place}: it takes a list of items, and got {_kind(items)}")
    many = scatter.distributed or (scatter.distributed is None and len(items) > MANY)
    if items and many and context.durable.scatters:
        found = context.durable.scatter(context.place, context.part, items, scatter.concurrency)
        context.count_spent(found.spent)
        return Found(_gathered(found, scatter, context.place), is_kept=True)
    slots = _run_here(node, scatter, items, context)
    return Found(_gathered(Gathered(tuple(slots)), scatter, context.place))


def _gathered(found: Gathered, scatter: Scatter, place: str) -> str:
    failed = [index for index, slot in enumerate(found.slots) if slot.text is None]
    if failed and scatter.on_failure == "fail":
        first = found.slots[failed[0]].error or {}
        where = f"; see `fanfold errors {found.batch_id}`" if found.batch_id else ""
        raise ItemsFailed(
            f"node {place}: {len(failed):,} of {len(found.slots):,} items failed, the first at "
            f"{failed[0]}: {first.get('type')}: {first.get('message')}{where}"
        )
    texts = (
        json.dumps({FAILED: {**(slot.error or {}), "index": index}})
        if slot.text is None
        else slot.text
        for index, slot in enumerate(found.slots)
    )
    return f"[{','.join(texts)}]"


def _run_here(node: Node, scatter: Scatter, items: list[Any], context: Context) -> list[Slot]:
    slots: list[Slot | None] = [None] * len(items)
    ends: list[BaseException] = []
    number = counting()

    def work() -> None:
        while not ends and (index := number()) < len(items):
            try:
                slots[index] = _one(node, items[index], context.scoped_item(index))
            except Suspended:  # the others go on as far as they can
                pass
            except BaseException as error:  # noqa: BLE001  it ends all of them
                ends.append(error)

    threads = min(scatter.concurrency, len(items))
    if threads <= 1:
        work()
    else:
        with ThreadPoolExecutor(threads, f"fanfold-{node.id}") as pool:
            for done in [pool.submit(work) for _ in range(threads)]:
                done.result()
    if ends:
        raise ends[0]
    whole = [slot for slot in slots if slot is not None]
    if len(whole) < len(slots):
        _remember(slots, context)
        raise Suspended
    return whole


def _one(node: Node, item: Any, context: Context) -> Slot:
    known = context.durable.recall(context.place)
    if known is not None:
        return Slot(**json.loads(known))
    try:
        text = call_node(node.work, node.fallback, copies(json.dumps(item)), context, waits=True)
        return Slot(text)
    except (Suspended, Fatal):
        raise
    except BaseException as error:
        as_seen_from(error, context.place)
        match attempt_of(error, context):
            case Interrupted():
                raise
            case attempt:
                failure = getattr(attempt, "failure", None)
                if failure is None:
                    raise
                return Slot(None, {"type": failure.type, "message": failure.message})


def _remember(slots: list[Slot | None], context: Context) -> None:
    """What has ended is not run again when the run goes on."""
    for index, slot in enumerate(slots):
        if slot is not None:
            text = json.dumps({"text": slot.text, "error": slot.error})
            context.durable.remember(context.scoped_item(index).place, text)


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    names = {"dict": "an object", "str": "a text", "bool": "true or false"}
    return names.get(type(value).__name__, "a number")
