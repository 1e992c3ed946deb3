"""What a node does, described as a flow is; and what is checked of what a graph is built of."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any

from fanfold.domain import flow as described
from fanfold.errors import FlowInvalid
from fanfold.graphs.graph import Graph, Inputs
from fanfold.graphs.original import code_version, standing_for
from fanfold.graphs.spread import spread

_BACKOFF = 0.5


def work_of(
    id: str,
    fn: Callable[..., Any],
    inputs: Inputs | None,
    retries: int | None,
    backoff: float | None,
    timeout: float | None,
) -> described.Flow:
    """Raises FlowInvalid, which begins with `flow {id}: `."""
    if isinstance(fn, described.Flow):
        return _changed(fn, id, retries, backoff, timeout)
    called = one_argument(spread(fn, inputs) if isinstance(inputs, Mapping) else fn)
    return described.described(
        called, described.Flow, id=id, timeout=timeout, retries=retries or 0,
        backoff=_BACKOFF if backoff is None else backoff, version=code_version(fn),
    )  # fmt: skip


def _changed(
    flow: described.Flow,
    id: str,
    retries: int | None,
    backoff: float | None,
    timeout: float | None,
) -> described.Flow:
    """A flow as a node, with what is said of it here instead of its own."""
    own = flow.retry
    as_here = described.described(
        flow.fn, described.Flow, id=id, backoff_cap=own.cap,
        retries=own.retries if retries is None else retries,
        backoff=own.base if backoff is None else backoff,
        timeout=flow.timeout if timeout is None else timeout,
    )  # fmt: skip
    it = copy(flow)
    it.retry, it.timeout = as_here.retry, as_here.timeout
    return it


def one_argument(fn: Callable[..., Any]) -> Callable[..., Any]:
    """`sum` and the like: functions of C whose signature is not told, or has what we never give."""
    if inspect.isbuiltin(fn) or inspect.isclass(fn):

        def called(value):  # type: ignore[no-untyped-def]
            return fn(value)  # type: ignore[call-arg]

        called.__name__ = getattr(fn, "__name__", "called")
        called.__doc__ = None
        return standing_for(fn, called)
    return fn


def inputs_of(inputs: str | Sequence[str] | Mapping[str, str] | None) -> Inputs | None:
    if inputs is None or isinstance(inputs, str):
        return inputs
    if isinstance(inputs, Mapping):
        return dict(inputs)
    return tuple(inputs)


def check_condition(flow: str, source: str, target: str, text: str) -> None:
    from fanfold.domain.expression import condition
    from fanfold.errors import OptionInvalid

    try:
        condition(text, ("output", "record"))
    except OptionInvalid as error:
        raise FlowInvalid(f"flow {flow}: edge {source!r} → {target!r}: {error}") from None


def check_positive(who: str, option: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise FlowInvalid(f"flow {who}: {option} must be 1 or more, not {value!r}")


def digest(graph: Graph) -> str:
    """Of its shape and of its nodes' code."""
    shape = [
        [node.id, node.work.version, node.fallback.version if node.fallback else "", node.join,
         repr(node.inputs), repr(node.scatter)]
        for node in graph.nodes.values()
    ]  # fmt: skip
    edges = [
        [it.source, it.target, code_version(it.when) if callable(it.when) else it.when or ""]
        for it in graph.edges
    ]
    return hashlib.sha256(json.dumps([shape, edges]).encode()).hexdigest()[:12]
