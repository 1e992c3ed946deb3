"""What a flow's annotations say about its record and its result."""

from __future__ import annotations

import functools
import inspect
import sys
import types
import typing
from collections.abc import Callable
from typing import Any, get_args, get_origin, get_type_hints

import typing_extensions

from fanfold.domain.flow import Flow


def of_record(flow: Flow) -> Any:
    """The annotation of the first parameter; Any when there is none that can be resolved."""
    first = next(iter(inspect.signature(flow.fn).parameters.values()))
    if first.kind is inspect.Parameter.VAR_POSITIONAL:
        return Any
    return resolved(first.annotation, flow.fn)


def of_result(flow: Flow) -> Any:
    return resolved(inspect.signature(flow.fn).return_annotation, flow.fn)


def of_argument(fn: Callable[..., Any], name: str) -> Any:
    """The annotation of the parameter of this name, likewise."""
    return resolved(inspect.signature(fn).parameters[name].annotation, fn)


def resolved(annotation: Any, fn: Callable[..., Any]) -> Any:
    if annotation is inspect.Parameter.empty:
        return Any

    def holder() -> None:
        """Holds this one annotation only: another that cannot be resolved must not hide it."""

    holder.__annotations__ = {"it": annotation}
    try:
        hint = get_type_hints(holder, globalns=_globals_of(fn), include_extras=True)["it"]
    except Exception:  # noqa: BLE001  a name imported for type checkers only, or any other fault
        return Any
    return _accepted_by_pydantic(hint, ())


def _globals_of(fn: Callable[..., Any]) -> dict[str, Any]:
    inner: Any = inspect.unwrap(fn)
    while isinstance(inner, functools.partial):
        inner = inspect.unwrap(inner.func)
    if not hasattr(inner, "__globals__"):  # an object that can be called
        inner = type(inner).__call__
    found: dict[str, Any] = getattr(inner, "__globals__", {})
    return found


def _accepted_by_pydantic(hint: Any, inside: tuple[Any, ...]) -> Any:
    """typing.TypedDict is what people import. Before Python 3.12 it lacks what pydantic needs, and
    typing_extensions' does not: the same one is built there."""
    if sys.version_info >= (3, 12):
        return hint
    if hint in inside:  # it contains itself, which cannot be built anew
        return dict[str, Any]
    if typing.is_typeddict(hint):
        fields: dict[str, Any] = {}
        for name, field in get_type_hints(hint, include_extras=True).items():
            # what the field says itself comes first: __required_keys__ knows nothing of it where
            # annotations are text
            said = get_origin(field)
            bare = get_args(field)[0] if said in (typing.Required, typing.NotRequired) else field
            may_miss = said is typing.NotRequired or name not in hint.__required_keys__
            wrap: Any = typing_extensions.Required
            if may_miss and said is not typing.Required:
                wrap = typing_extensions.NotRequired
            fields[name] = wrap[_accepted_by_pydantic(bare, (*inside, hint))]
        make: Any = typing_extensions.TypedDict
        return make(hint.__name__, fields)
    origin: Any = get_origin(hint)
    if origin not in (list, dict, tuple, typing.Union, types.UnionType):
        return hint
    old = get_args(hint)
    new = tuple(_accepted_by_pydantic(it, inside) for it in old)
    return hint if new == old else (typing.Union if origin is types.UnionType else origin)[new]
