"""fold_again: call a fold on the results of a batch that has ended, and keep what it makes.

    allowed? → recount → fold → write the output → refold (one transaction) → forget the older

| a crash here             | what happens                                                    |
|--------------------------|-----------------------------------------------------------------|
| before the transaction   | the batch is as it was; a large output nobody refers to is left |
| after it                 | the batch has the new output; the older one is left             |

Nothing is claimed: two at once both fold, each output has a name of its own, and the batch keeps
the last one whole. A fold that raises is tried once, for somebody is there to read why; nothing is
changed then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from fanfold.domain import announce
from fanfold.domain import batch as rules
from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.flow import FlowRef
from fanfold.domain.outcome import Value, printable
from fanfold.errors import Conflict, EngineError, FanfoldError, FlowInvalid
from fanfold.folds.apply import apply_fold
from fanfold.folds.result import Result
from fanfold.folds.stream import stream_results
from fanfold.ports import Ports
from fanfold.steps.finalize import Flows, certify
from fanfold.steps.outputs import forget_output, store_output
from fanfold.steps.tell import tell_in_passing

type_of_fold = Callable[[Iterable[Any]], Any]


class FoldFailed(FanfoldError):
    """The fold raised. The batch is as it was: mend the fold and call it again."""


def fold_of(flows: Flows, ref: FlowRef) -> type_of_fold:
    """Today's fold of the flow."""
    fold = flows.resolve(ref).fold
    if fold is None:
        raise FlowInvalid(
            f"flow {ref.name} has no fold. Give it one, @flow(fold=…), or use another: "
            "`fanfold fold BATCH --with collect`"
        )
    return fold


def try_fold(
    ports: Ports,
    batch: Batch,
    fold: type_of_fold,
    on_result: Callable[[int], None] = lambda _count: None,
) -> str:
    """What it makes of the batch's results, as JSON text; nothing is stored. Also of a batch that
    was stopped: its results are what there is."""
    if not batch.ended:
        raise _not_yet(batch)
    if not certify(ports, batch, ports.clock.now()).holds:
        raise Conflict(
            f"the results of {batch.id} do not add up, so they are not folded: see `fanfold verify`"
        )
    results = stream_results(ports.runs, ports.batches, ports.blobs, batch)
    try:
        return apply_fold(fold, _counted(results, on_result))
    except EngineError:
        raise  # not the fold's doing
    except Exception as error:
        text = printable(f"{type(error).__name__}: {error}")
        raise FoldFailed(
            f"the fold failed: {text}. {batch.id} is as it was: mend the fold and call it again"
        ) from error


def fold_again(
    ports: Ports,
    batch: Batch,
    fold: type_of_fold,
    on_result: Callable[[int], None] = lambda _count: None,
) -> tuple[Batch, str]:
    """The batch with its new output, and that output as JSON text."""
    if not batch.ended:
        raise _not_yet(batch)
    rules.refold(batch, batch.generation, Value())  # refused before the work rather than after it
    text = try_fold(ports, batch, fold, on_result)
    # under a name of its own: the older output stays what it is until the batch refers to this one
    name = f"{batch.id}/output-{batch.generation}-{ports.ids.token()}.json"
    output = store_output(ports, name, text)
    now = ports.clock.now()
    replaced: Value | None = None
    is_refused = False

    def refold(current: Batch) -> Batch:
        nonlocal replaced, is_refused
        is_refused = True
        folded = announce.ended(rules.refold(current, batch.generation, output), now)
        is_refused = False
        if current.output != output:  # it is, if this is repeated after a lost reply
            replaced = current.output
        return folded

    try:
        folded = ports.batches.amend(batch.id, refold)
    finally:
        if is_refused:  # only then is it sure that the batch does not refer to it
            forget_output(ports, output)
    forget_output(ports, replaced)
    return tell_in_passing(ports, folded), text


def _not_yet(batch: Batch) -> Conflict:
    wait = f"`fanfold wait {batch.id}` waits for its end"
    if batch.state is BatchState.FINALIZING:
        return Conflict(f"{batch.id} is finalizing: its fold is being called now. {wait}")
    return Conflict(f"{batch.id} is {batch.state}: not all of its results are there. {wait}")


def _counted(results: Iterator[Result], on_result: Callable[[int], None]) -> Iterator[Result]:
    for count, result in enumerate(results, 1):
        on_result(count)
        yield result
