"""A flow's annotations, enforced: its record before it runs, its result after.

What an annotation asks is worked out once per flow. The common plain ones (dict, str, none at all)
then cost a look at the value's type, for they are on the path of every record; all others, and all
refusals, are pydantic's. An annotation that pydantic cannot use is taken for a remark.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, TypeAdapter, ValidationError
from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic_core import PydanticSerializationError

from fanfold.domain.flow import Flow
from fanfold.errors import UsageError
from fanfold.execution import hints
from fanfold.execution.output import OutputInvalid, to_json
from fanfold.execution.schema import Schema

__all__ = [
    "InputInvalid",
    "OutputInvalid",
    "check_input",
    "dump_output",
    "input_schema",
    "output_schema",
]

_MAX_ERRORS = 3
_MAX_SHOWN = 80

#: annotation → types of values that are right as they are
_RIGHT_INPUT: dict[Any, tuple[type, ...]] = {
    dict: (dict,),
    dict[str, Any]: (dict,),
    list: (list,),
    list[Any]: (list,),
    str: (str,),
}
_RIGHT_OUTPUT: dict[Any, tuple[type, ...]] = _RIGHT_INPUT | {
    bool: (bool,),
    int: (int,),
    float: (float, int),
    type(None): (type(None),),
}


class InputInvalid(UsageError):
    """The record is not what the flow takes. Mend the record, or the flow's annotation."""


@dataclass(frozen=True, slots=True)
class _Contract:
    """What one annotation asks."""

    #: None: anything goes
    adapter: TypeAdapter[Any] | None
    right: tuple[type, ...]


# Flows live as long as the process. Two threads may both make an entry; they make the same.
_inputs: dict[Flow, _Contract] = {}
_outputs: dict[Flow, _Contract] = {}


def check_input(flow: Flow, data: Any) -> Any:
    """The record as the flow's first parameter wants it. Raises InputInvalid."""
    contract = _inputs.get(flow) or _input_of(flow)
    if contract.adapter is None or type(data) in contract.right:
        return data
    try:
        return contract.adapter.validator.validate_python(data)
    except ValidationError as error:
        return _as_json(contract.adapter, data, error)


def dump_output(flow: Flow, value: Any) -> str:
    """The result as JSON text. Raises OutputInvalid."""
    contract = _outputs.get(flow) or _output_of(flow)
    adapter = contract.adapter
    if adapter is None or type(value) in contract.right:
        return to_json(value)
    try:
        value = adapter.validator.validate_python(value)
        # A model knows best how it is written, also one derived from what was announced.
        if not isinstance(value, BaseModel):
            value = adapter.dump_python(value, mode="json", warnings=False)
    except ValidationError as error:
        raise OutputInvalid(_described(error, "output")) from None
    except (PydanticSerializationError, ValueError, RecursionError) as error:
        raise OutputInvalid(f"output: {str(error)[:500]}") from None
    return to_json(value)


def input_schema(flow: Flow) -> dict[str, Any] | None:
    """The JSON schema of the flow's records; None when it takes anything."""
    if flow.schema is not None:
        return flow.schema
    adapter = (_inputs.get(flow) or _input_of(flow)).adapter
    return None if adapter is None else _schema(adapter, "validation")


def output_schema(flow: Flow) -> dict[str, Any] | None:
    """The JSON schema of the flow's results, as they are stored; None when it gives anything."""
    adapter = (_outputs.get(flow) or _output_of(flow)).adapter
    return None if adapter is None else _schema(adapter, "serialization")


def _schema(
    adapter: TypeAdapter[Any], mode: Literal["validation", "serialization"]
) -> dict[str, Any] | None:
    try:
        return adapter.json_schema(mode=mode)
    except PydanticInvalidForJsonSchema:
        return None


def _as_json(adapter: TypeAdapter[Any], data: Any, refusal: ValidationError) -> Any:
    """The refused record once more, as the JSON it came as: a strict model takes a date from JSON
    text, but not from a Python string."""
    try:
        return adapter.validator.validate_json(json.dumps(data))
    except ValidationError as error:
        raise InputInvalid(_described(error, "record")) from None
    except (TypeError, ValueError, RecursionError):
        raise InputInvalid(_described(refusal, "record")) from None


def _described(error: ValidationError, whole: str) -> str:
    """`field.path: what is wrong, got what`, of the first few errors."""
    sentences = []
    errors = error.errors(include_url=False, include_context=False)
    for it in errors[:_MAX_ERRORS]:
        place = ".".join(str(part) for part in it["loc"])[:200] or whole
        got = "" if it["type"] == "missing" else f", got {_shown(it['input'])}"
        sentences.append(f"{place}: {it['msg'][:300]}{got}")
    if len(errors) > _MAX_ERRORS:
        sentences.append(f"and {len(errors) - _MAX_ERRORS} more")
    return "; ".join(sentences)


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001  a user's object may fail at being printed
        text = f"a {type(value).__name__}"
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 1] + "…"


def _input_of(flow: Flow) -> _Contract:
    if flow.schema is not None:
        annotation = Annotated[Any, AfterValidator(partial(_conforming, Schema(flow.schema)))]
        return _inputs.setdefault(flow, _Contract(TypeAdapter(annotation), ()))
    return _inputs.setdefault(flow, _contract(hints.of_record(flow), _RIGHT_INPUT))


def _conforming(schema: Schema, data: Any) -> Any:
    for problem in schema.problems(data):
        raise ValueError(str(problem))
    return data


def _output_of(flow: Flow) -> _Contract:
    return _outputs.setdefault(flow, _contract(hints.of_result(flow), _RIGHT_OUTPUT))


def _contract(annotation: Any, right: dict[Any, tuple[type, ...]]) -> _Contract:
    if annotation is Any or annotation is object:
        return _Contract(None, ())
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(annotation)
    except Exception:  # noqa: BLE001  a class of the user's own: their word for it, not ours to check
        return _Contract(None, ())
    try:
        return _Contract(adapter, right.get(annotation, ()))
    except TypeError:  # an annotation that cannot be hashed
        return _Contract(adapter, ())
