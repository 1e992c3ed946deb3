"""Whoever waits for a batch hears of what happens to it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from fanfold import flow, resume_batch, run_batch, run_batch_async
from fanfold.notebook import Event, EventKind
from fanfold.testing.puppet import puppet


def test_each_event_is_told_once_in_order(tmp_path: Path) -> None:
    """Of progress as well: the last record waits for it."""
    gate, events = tmp_path / "gate", list[Event]()

    def hear(event: Event) -> None:
        events.append(event)
        if event.kind is EventKind.PROGRESS:
            gate.touch()

    records: list[Any] = [{"do": "permanent"}, 1, 2, {"do": "hang", "gate": str(gate)}]
    done = run_batch(puppet, records, on_event=hear, threads=2)
    kinds = [str(it.kind) for it in events]
    assert kinds[0] == "started"
    assert sorted(set(kinds)) == ["completed", "first_failure", "progress", "started"]
    assert kinds.count("first_failure") == kinds.count("completed") == 1
    assert kinds[-1] == "completed"
    assert [it.sequence for it in events] == sorted({it.sequence for it in events})
    assert events[-1].counts is not None
    assert events[-1].counts.succeeded == done.status.counts.succeeded == 3


def test_they_are_told_beside_progress() -> None:
    told: list[str] = []
    run_batch(
        puppet,
        [1],
        on_event=lambda it: told.append(str(it.kind)),
        on_progress=lambda it: told.append(f"[{it.state}]"),
    )
    assert told[-2:] == ["completed", "[completed]"]


def test_a_callback_that_raises_leaves_a_batch_that_can_be_resumed() -> None:
    @flow(id="noted")
    def noted(record: Any) -> Any:
        return record

    def complain(event: Event) -> None:
        raise LookupError(event.batch_id)

    with pytest.raises(LookupError) as raised:
        run_batch(noted, [1, 2], on_event=complain)
    events: list[Event] = []
    done = resume_batch(str(raised.value), noted, on_event=events.append)
    assert done.outputs == [1, 2]
    assert [str(it.kind) for it in events] == ["started", "completed"]


def test_a_coroutine_hears_of_them_too() -> None:
    events: list[Event] = []
    asyncio.run(run_batch_async(puppet, [1], on_event=events.append))
    assert [str(it.kind) for it in events] == ["started", "completed"]
