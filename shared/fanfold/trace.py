"""Whose work this is: a trace's context (W3C), carried in messages from whoever began it.

    publish ─▶ attribute `traceparent` ─▶ push or pull ─▶ the flow's code, and settling what it made

It is a text, and costs nothing where there is none. Where OpenTelemetry is loaded, it is the same
context as OpenTelemetry's: what a flow traces belongs to the trace of whoever started the batch.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

#: of a message, and of a request's headers
TRACEPARENT = "traceparent"
_FORM = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_current: ContextVar[str] = ContextVar("fanfold_trace", default="")


def current() -> str:
    """As `traceparent`; empty where there is none."""
    api = _opentelemetry()
    if api is not None:
        its = api.get_current_span().get_span_context()
        if its.is_valid:
            return f"00-{its.trace_id:032x}-{its.span_id:016x}-{its.trace_flags:02x}"
    return _current.get()


@contextmanager
def continued(traceparent: str) -> Iterator[None]:
    """What is done inside belongs to it; to none, if it is none."""
    if not _FORM.fullmatch(traceparent):
        yield
        return
    token = _current.set(traceparent)
    attached = _attach(traceparent)
    try:
        yield
    finally:
        if attached is not None:
            from opentelemetry import context

            context.detach(attached)
        _current.reset(token)


def parts_of(traceparent: str) -> tuple[str, str] | None:
    """The trace's id and the span's."""
    found = _FORM.fullmatch(traceparent)
    return None if found is None else (found[1], found[2])


def from_header(traceparent: str | None, cloud: str | None) -> str:
    """Of a request: as anybody sends it, or as Google's front end does (`trace/span;o=1`)."""
    if traceparent is not None and _FORM.fullmatch(traceparent):
        return traceparent
    found = re.fullmatch(r"([0-9a-f]{32})(?:/([0-9]{1,20}))?(?:;o=([01]))?", cloud or "")
    if found is None:
        return ""
    span = int(found[2] or 0) % (1 << 64) or 1
    return f"00-{found[1]}-{span:016x}-0{found[3] or 0}"


def _opentelemetry() -> Any:
    """Only where somebody has loaded it: to load it is theirs to decide."""
    return sys.modules.get("opentelemetry.trace")


def _attach(traceparent: str) -> Any:
    if _opentelemetry() is None:
        return None
    from opentelemetry import context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return context.attach(TraceContextTextMapPropagator().extract({TRACEPARENT: traceparent}))
