"""A listener of events in memory, for tests: as a topic with one subscription would hear them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from fanfold.domain.event import Event
from fanfold.ports import Ports


@dataclass(slots=True)
class Heard:
    """In the order they were told, those that were told again, too."""

    go_out: bool = True
    events: list[Event] = field(default_factory=list)

    def publish(self, events: Sequence[Event]) -> None:
        self.events += events

    @property
    def kinds(self) -> list[str]:
        return [str(it.kind) for it in self.events]

    @property
    def numbers(self) -> list[int]:
        return [it.sequence for it in self.events]


def with_listener(ports: Ports) -> tuple[Ports, Heard]:
    heard = Heard()
    return replace(ports, events=heard), heard
