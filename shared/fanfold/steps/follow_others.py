"""follow_others: have a batch that waits come after others than it did.

Two such changes at the same time may each be right, and together have batches wait for each other.
So each looks for that once more when it is stored, and takes itself back: of two, one at least sees
the other.

| a crash here             | what happens                                                      |
|--------------------------|-------------------------------------------------------------------|
| stored, and not looked   | the same change, repeated, looks; if two had each other wait, one |
|                          | of them is changed again, or canceled                             |
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from fanfold.domain.batch import Batch
from fanfold.domain.following import waits
from fanfold.errors import OptionInvalid
from fanfold.ports import Ports
from fanfold.steps.follow import check_after, set_off


def follow_others(
    ports: Ports,
    batch_id: str,
    arrow: Callable[[Batch], Batch],
    sees: Callable[[Batch], bool] = lambda _: True,
) -> Batch:
    """`arrow` changes what it comes after. Raises OptionInvalid where that cannot be, and what
    `arrow` raises."""
    before = ports.batches.get(batch_id)
    after = arrow(before).options.after
    check_after(ports.batches, batch_id, after, sees)
    changed = ports.batches.amend(batch_id, arrow)
    try:
        check_after(ports.batches, batch_id, after)
    except OptionInvalid:
        changed = ports.batches.amend(batch_id, partial(_taken_back, changed=changed, to=before))
        raise
    finally:
        set_off(ports, changed)
    return changed


def _taken_back(batch: Batch, changed: Batch, to: Batch) -> Batch:
    """Unless it has been changed again."""
    if not waits(batch) or batch.options.after != changed.options.after:
        return batch
    was = {"after": to.options.after, "after_on": to.options.after_on}
    return replace(batch, options=batch.options.model_copy(update=was))
