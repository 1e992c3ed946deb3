"""change: options of a batch while it runs, and at any time what is said of it.

Every reader goes by the batch as it is stored: a limit holds from the next release on, a rate from
the next turns on that are given away, a budget from the next failure on, a deadline from the next
look on. What it comes after is steps.follow_others'.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from pydantic import ValidationError

from fanfold.domain.batch import Batch
from fanfold.domain.control import SAID
from fanfold.domain.control import change as change_options
from fanfold.domain.following import FOLLOWS
from fanfold.errors import OptionInvalid
from fanfold.ports import Ports
from fanfold.steps.advance import advance
from fanfold.steps.budget import end_if_overspent_now
from fanfold.steps.follow_others import follow_others

#: what may be changed while it runs; a deadline is so many seconds from now, or None
LIVE = ("concurrency", "rate", "max_failures", "error_policy", "max_spend", "deadline")
#: and FOLLOWS while it waits
CHANGEABLE = (*LIVE, *sorted(FOLLOWS), *sorted(SAID))


def change(
    ports: Ports,
    batch_id: str,
    changes: Mapping[str, Any],
    sees: Callable[[Batch], bool] = lambda _: True,
) -> Batch:
    """Raises OptionInvalid, and changes nothing, if one of them cannot be. `sees`: whether whoever
    asks may know of a batch that it is to come after."""
    if unknown := [name for name in changes if name not in CHANGEABLE]:
        raise OptionInvalid(
            f"{unknown[0]} cannot be changed. While a batch runs {', '.join(LIVE)} can, while it "
            f"waits {', '.join(sorted(FOLLOWS))}, and at any time {', '.join(sorted(SAID))}"
        )
    options = {name: value for name, value in changes.items() if name != "deadline"}
    deadline: Any = "as it is"
    if "deadline" in changes:
        seconds = changes["deadline"]
        deadline = None if seconds is None else ports.clock.now() + seconds
    try:
        arrow = partial(change_options, changes=options, deadline_at=deadline)
        if FOLLOWS.isdisjoint(changes):
            batch = ports.batches.amend(batch_id, arrow)
        else:
            batch = follow_others(ports, batch_id, arrow, sees)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "options"
        raise OptionInvalid(f"{name}: {first['msg'].removeprefix('Value error, ')}") from None
    if SAID.issuperset(changes):
        return batch
    end_if_overspent_now(ports, batch)
    if batch.is_open:
        advance(ports, batch, None)
    return batch
