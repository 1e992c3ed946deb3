"""`ctx.step` and `ctx.ask`: what they check and make of values."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

from fanfold.errors import FlowInvalid
from fanfold.execution.context import MISSING
from fanfold.execution.durable import Durable
from fanfold.execution.output import to_json


def done_once(
    durable: Durable,
    place: str,
    fn: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> Any:
    known = durable.recall(place)
    if known is None:
        known = to_json(fn(*args, **kwargs))
        durable.remember(place, known, now=True)
    return json.loads(known)


async def done_once_async(
    durable: Durable,
    place: str,
    fn: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> Any:
    known = durable.recall(place)
    if known is None:
        known = to_json(await fn(*args, **kwargs))
        # others' flows share the loop
        await asyncio.to_thread(durable.remember, place, known, now=True)
    return json.loads(known)


def asked(
    durable: Durable,
    place: str,
    question: str,
    schema: Any,
    timeout: float | None,
    default: Any,
) -> Any:
    if timeout is None and default is not MISSING:
        raise FlowInvalid(f"ask({question!r}): a default is for when a timeout is over: give one")
    described, take = _wanted(question, schema)
    return durable.ask(place, question, described, timeout, default, take)


def _wanted(question: str, schema: Any) -> tuple[Any, Callable[[Any], Any]]:
    """The JSON schema of the answer, and what makes of it what the flow wants."""
    if schema is None:
        return None, lambda value: value
    if isinstance(schema, dict):
        return schema, lambda value: value
    from pydantic import TypeAdapter

    try:
        adapter: TypeAdapter[Any] = TypeAdapter(schema)
        return adapter.json_schema(), adapter.validate_python
    except Exception as error:  # noqa: BLE001  whatever pydantic says of a class that is not for it
        raise FlowInvalid(
            f"ask({question!r}): schema is a type that pydantic knows, or a JSON schema: {error}"
        ) from None
