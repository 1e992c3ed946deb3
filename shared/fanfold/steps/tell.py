"""tell: have those who listen outside hear of a batch's events.

    announced in a commit ─▶ publish ─▶ [amend] told

| a crash here            | what happens                                                          |
|-------------------------|-----------------------------------------------------------------------|
| before the publish      | told by whoever tells next: the fan-out, the reporter, the sweep, and |
|                         | of an end by its finalization's message, which is not acked before    |
| after it, reply lost    | the same event is published again, under the same number              |

Where nobody can listen (the embedded engine: who wants to know reads the batch) nothing is written.
"""

from __future__ import annotations

from functools import partial

from fanfold import log
from fanfold.domain.announce import first_failure, have_told, untold
from fanfold.domain.batch import Batch
from fanfold.domain.run import Run
from fanfold.errors import EngineError
from fanfold.ports import Ports


def tell(ports: Ports, batch: Batch) -> Batch:
    """What is announced and not told. Raises what the engine raises: whoever must not lose it has
    its message delivered again."""
    events = untold(batch)
    if not events or not ports.events.go_out:
        return batch
    ports.events.publish(events)
    return ports.batches.amend(batch.id, partial(have_told, sequence=events[-1].sequence))


def tell_in_passing(ports: Ports, batch: Batch) -> Batch:
    """The same, by who has more important things to do: what cannot be told now is told later."""
    try:
        return tell(ports, batch)
    except EngineError as error:
        log.warning("events.not_told", str(error), batch_id=batch.id)
        return batch


def tell_of_failure(ports: Ports, batch: Batch, run: Run) -> None:
    """This run has failed; the first to say so in its generation is told of."""
    arrow = partial(first_failure, run=run, now=ports.clock.now())
    tell_in_passing(ports, ports.batches.amend(batch.id, arrow))
