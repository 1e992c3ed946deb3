"""Events: whoever can listen hears of them."""

from __future__ import annotations

import json

from fanfold.domain.announce import announce
from fanfold.domain.batch import Batch
from fanfold.domain.event import Event, EventKind, event_to_json
from fanfold.domain.tally import Counts
from fanfold.testing.conformance.rig import Rig, new_batch


def told(batch: Batch) -> tuple[Event, ...]:
    batch = announce(batch, EventKind.STARTED, 1.0)
    detail = {"record": 3, "key": None, "message": "schlaflos \u2603"}
    batch = announce(batch, EventKind.FIRST_FAILURE, 2.0, detail=detail)
    return announce(batch, EventKind.COMPLETED, 3.5, Counts(total=2, succeeded=2)).events


class EventsConformance:
    def test_what_is_told_is_heard_with_its_number_and_its_kind(self, rig: Rig) -> None:
        batch = new_batch(rig.ports)
        events = told(batch)
        rig.ports.events.publish(events)
        expected = [
            (
                json.loads(event_to_json(it)),
                {"kind": str(it.kind), "sequence": str(it.sequence), "batch_id": batch.id},
            )
            for it in events
        ]
        assert self._heard(rig, 3) == (expected if rig.ports.events.go_out else [])

    def test_what_is_told_again_is_heard_again(self, rig: Rig) -> None:
        events = told(new_batch(rig.ports))
        rig.ports.events.publish(events[:1])
        rig.other.events.publish(events[:1])
        numbers = [body["sequence"] for body, _ in self._heard(rig, 2)]
        assert numbers == ([1, 1] if rig.ports.events.go_out else [])

    def test_an_event_is_kept_with_its_batch_as_it_is(self, rig: Rig) -> None:
        batch = new_batch(rig.ports)
        events = told(batch)
        for kind in (EventKind.STARTED, EventKind.FIRST_FAILURE, EventKind.COMPLETED):
            event = next(it for it in events if it.kind is kind)
            rig.ports.batches.amend(
                batch.id,
                lambda it, event=event: announce(  # type: ignore[misc]
                    it, event.kind, event.at, event.counts, event.detail
                ),
            )
        assert rig.other.batches.get(batch.id).events == events

    def _heard(self, rig: Rig, count: int) -> list[tuple[dict[str, object], dict[str, str]]]:
        names = ("kind", "sequence", "batch_id")
        return sorted(
            (
                (json.loads(body), {name: attributes[name] for name in names})
                for body, attributes in rig.heard(count)
            ),
            key=lambda it: int(it[1]["sequence"]),
        )
