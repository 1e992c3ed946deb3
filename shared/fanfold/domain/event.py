"""What happens to a batch as a whole, for those who want to be told of it.

    started ─▶ (first_failure, asked …, held) ─▶ progress … ─▶ completed | failed | canceled | …
    skipped, of one that never began

Each generation has its own. An event has a sequence number, which is drawn in the very commit that
makes what it tells come true: so it is told of nothing that did not happen, and a number never
names two events. It may be told more than once, and by several processes out of order: the number
says which it is. Numbers grow over all generations of a batch. Of progress only the last event is
kept, for each makes the one before worthless; so a reader who comes late finds gaps, and has missed
nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from fanfold.domain.tally import Counts

#: of the JSON form
VERSION = 1


class EventKind(StrEnum):
    STARTED = "started"
    PROGRESS = "progress"
    FIRST_FAILURE = "first_failure"
    #: a run of it waits for somebody's answer; told of once a minute, whoever asks meanwhile
    ASKED = "asked"
    #: its canary has failed: it is paused until somebody resumes or cancels it
    HELD = "held"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    batch_id: str
    #: from 1 on
    sequence: int
    kind: EventKind
    #: seconds since 1970
    at: float
    generation: int
    flow: str
    label: str | None = None
    #: conserved; None where nothing has been counted for it
    counts: Counts | None = None
    #: what else there is to say of this kind
    detail: Mapping[str, Any] = field(default_factory=dict)


def event_to_json(event: Event) -> str:
    """One line."""
    return json.dumps({"v": VERSION, **asdict(event)}, ensure_ascii=False, allow_nan=False)
