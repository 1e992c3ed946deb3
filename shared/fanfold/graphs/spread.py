"""A node whose inputs have names, and whose function has arguments of these names.

    .node("price", price, inputs={"item": "load", "rate": "rates.eur"})
    def price(item: Item, rate: float) -> float: ...

The function is called with them by name. Its input is one object with these fields, so it is
checked, stored and told of as any other input is.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from fanfold.graphs.original import standing_for

CONTEXT = ("ctx", "context")


def spread(fn: Callable[..., Any], inputs: Mapping[str, str]) -> Callable[..., Any]:
    """A function of one object that calls `fn` with its fields; `fn` itself, if it has no
    arguments of these names."""
    try:
        parameters = inspect.signature(fn).parameters
    except (TypeError, ValueError):
        return fn
    if not inputs or not set(inputs) <= set(parameters):
        return fn
    wants_context = next((it for it in CONTEXT if it in parameters and it not in inputs), None)
    called: Callable[..., Any]
    if wants_context is None:

        def without(inputs: Any) -> Any:
            return fn(**inputs)

        called = without
    else:

        def with_context(inputs: Any, ctx: Any) -> Any:
            return fn(**inputs, **{wants_context: ctx})

        called = with_context
    called.__name__ = getattr(fn, "__name__", "called")
    called.__doc__ = fn.__doc__
    called.__module__ = fn.__module__
    called.__annotations__ = {"inputs": _fields_of(fn, inputs), "return": _result_of(fn)}
    return standing_for(fn, called)


def _fields_of(fn: Callable[..., Any], inputs: Mapping[str, str]) -> Any:
    import typing_extensions

    from fanfold.execution import hints

    make: Any = typing_extensions.TypedDict
    return make("inputs", {name: hints.of_argument(fn, name) for name in inputs})


def _result_of(fn: Callable[..., Any]) -> Any:
    from fanfold.execution import hints

    return hints.resolved(inspect.signature(fn).return_annotation, fn)
