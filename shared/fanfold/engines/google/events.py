"""Events on a topic of their own, which has no subscription until a user makes one: what nobody
subscribes to costs nothing to keep. The attributes are for a subscription's filter."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fanfold.domain.event import Event, event_to_json

#: a message: its body and its attributes
Message = tuple[bytes, dict[str, str]]


class TopicEvents:
    go_out = True

    def __init__(self, publish: Callable[[Sequence[Message]], None]) -> None:
        """`publish` puts messages on the topic, and is sure of it when it returns."""
        self._publish = publish

    def publish(self, events: Sequence[Event]) -> None:
        self._publish([(event_to_json(it).encode(), _attributes(it)) for it in events])


def _attributes(event: Event) -> dict[str, str]:
    return {
        "batch_id": event.batch_id,
        "kind": str(event.kind),
        "sequence": str(event.sequence),
        "generation": str(event.generation),
        "flow": event.flow,
    }
