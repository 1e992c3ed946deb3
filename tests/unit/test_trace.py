"""A trace is carried from whoever starts a batch to the code of its flow, and on to its end."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace as opentelemetry

from fanfold import Context, flow, log, trace
from fanfold.domain.flow import FlowRef
from fanfold.domain.options import BatchOptions
from fanfold.execution.library import Library
from fanfold.jsonlog import JsonLines
from fanfold.ports import Ports, Station
from fanfold.sources.iterable import from_iterable
from fanfold.steps.create_batch import BatchRequest, create_batch
from fanfold.testing.clock import StillClock
from fanfold.testing.working import work
from tests.unit.steps.both import opened

WHOSE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE, SPAN = WHOSE.split("-")[1:3]
seen: list[str] = []


@flow
def looks(_record: Any, ctx: Context) -> str:
    seen.append(f"{opentelemetry.get_current_span().get_span_context().trace_id:032x}")
    return ctx.trace


@flow
async def waits(_record: Any) -> str:
    return trace.current()


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[Ports]:
    with opened("google", tmp_path, StillClock()) as ports:
        yield ports


def created(ports: Ports, which: Any, **options: Any) -> str:
    ref = FlowRef(which.name, "1", f"{__name__}:{which.name}")
    request = BatchRequest(ref, BatchOptions(**options), "test")
    return create_batch(ports, request, lambda: from_iterable([1, 2], name="test")).id


@pytest.mark.parametrize("options", [{}, {"concurrency": 1}])
@pytest.mark.parametrize("which", [looks, waits], ids=["sync", "async"])
def test_what_a_flow_does_belongs_to_the_trace_of_whoever_started_it(
    ports: Ports, which: Any, options: dict[str, Any]
) -> None:
    library = Library()
    library.take(which)
    seen.clear()
    with trace.continued(WHOSE):
        batch_id = created(ports, which, **options)
    work(ports, library=library)
    assert ports.batches.get(batch_id).ended
    outputs = {it.text for it in ports.runs.outcomes(batch_id, 0, 2)}
    assert outputs == {json.dumps(WHOSE)}
    assert set(seen) <= {TRACE}
    assert bool(seen) == (which is looks)


def test_messages_carry_it_and_without_one_they_carry_nothing(ports: Ports) -> None:
    with trace.continued(WHOSE):
        created(ports, looks)
    created(ports, looks)
    found = ports.queue.pull(Station.FAN_OUT, 10)
    assert sorted(it.trace for it in found) == ["", WHOSE]


def test_a_span_of_opentelemetry_is_the_same_context() -> None:
    with trace.continued(WHOSE):
        its = opentelemetry.get_current_span().get_span_context()
        assert (f"{its.trace_id:032x}", f"{its.span_id:016x}") == (TRACE, SPAN)
        sampled = opentelemetry.TraceFlags(1)
        other = opentelemetry.SpanContext(1, 2, is_remote=False, trace_flags=sampled)
        with opentelemetry.use_span(opentelemetry.NonRecordingSpan(other)):
            assert trace.current() == f"00-{1:032x}-{2:016x}-01"
        assert trace.current() == WHOSE
    assert trace.current() == ""


@pytest.mark.parametrize("text", ["", "nonsense", "00-xyz-1-01", WHOSE + "x", "01" + WHOSE[2:]])
def test_what_is_no_context_is_none(text: str) -> None:
    with trace.continued(text):
        assert trace.current() == ""


@pytest.mark.parametrize(
    ("traceparent", "cloud", "expected"),
    [
        (WHOSE, None, WHOSE),
        (None, f"{TRACE}/123;o=1", f"00-{TRACE}-{123:016x}-01"),
        (None, f"{TRACE}/0", f"00-{TRACE}-{1:016x}-00"),
        (None, TRACE, f"00-{TRACE}-{1:016x}-00"),
        ("nonsense", "nonsense", ""),
        (None, None, ""),
    ],
)
def test_a_request_says_whose_it_is_in_either_way(
    traceparent: str | None, cloud: str | None, expected: str
) -> None:
    assert trace.from_header(traceparent, cloud) == expected


def test_a_log_line_is_one_json_object_with_what_it_is_about(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, "fanfold"), trace.continued(WHOSE):
        log.warning("message.buried", "cannot be\ndecoded", batch_id="batch-a", attempt=3)
        line = JsonLines("my-project").format(caplog.records[-1])
    assert "\n" not in line
    found = json.loads(line)
    assert (found["severity"], found["action"]) == ("WARNING", "message.buried")
    assert (found["batch_id"], found["attempt"]) == ("batch-a", 3)
    assert found["logging.googleapis.com/trace"] == f"projects/my-project/traces/{TRACE}"
    assert found["logging.googleapis.com/spanId"] == SPAN
