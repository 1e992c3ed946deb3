"""docs/events.md tells what events are like."""

from __future__ import annotations

import json
import re
from pathlib import Path

from fanfold.domain.event import Event, EventKind, event_to_json
from fanfold.domain.tally import Counts
from fanfold.engines.google.events import TopicEvents
from fanfold.engines.google.resources import events

PAGE = (Path(__file__).parents[2] / "docs" / "events.md").read_text()
EVENT = Event(
    batch_id="batch-a", sequence=1, kind=EventKind.COMPLETED, at=1.0, generation=1, flow="f",
    counts=Counts(),
)  # fmt: skip


def test_every_kind_has_its_row() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE) == [str(it) for it in EventKind]


def test_the_example_has_the_fields_that_events_have() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert list(json.loads(example)) == list(json.loads(event_to_json(EVENT)))


def test_every_count_is_named() -> None:
    for name in json.loads(event_to_json(EVENT))["counts"]:
        assert f"`{name}`" in PAGE


def test_the_topic_and_its_attributes_are_named() -> None:
    published: list[tuple[bytes, dict[str, str]]] = []
    TopicEvents(published.extend).publish([EVENT])
    ((_, attributes),) = published
    for name in (events(""), *attributes):
        assert f"`{name}`" in PAGE
