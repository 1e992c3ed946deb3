"""Events on one machine: there is no topic that anybody could listen to. Who wants to know of them
reads the batch, which has them: `run_batch(on_event=…)`, `fanfold events`."""

from __future__ import annotations

from collections.abc import Sequence

from fanfold.domain.event import Event


class Unheard:
    go_out = False

    def publish(self, events: Sequence[Event]) -> None:
        pass
