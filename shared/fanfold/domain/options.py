"""What a user may say about one batch. One model for every face."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from fanfold.errors import OptionInvalid

Label = Annotated[str, Field(max_length=200)]
Tag = Annotated[str, Field(min_length=1, max_length=100)]


def _json_object(value: dict[str, Any]) -> dict[str, Any]:
    """As it will be once it has been stored: what JSON would lose or change is refused."""
    try:
        same = json.loads(json.dumps(value, allow_nan=False))
        json.dumps(value, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"must be a JSON object: {error}") from None
    if same != value:
        raise ValueError("must be a JSON object: keys are text, and there are no tuples or sets")
    return value


class BatchOptions(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    #: how many of the batch's records may be in flight at once; None: no limit
    concurrency: Annotated[int, Field(ge=1, le=100_000)] | None = None
    #: take only the first so many records
    max_records: Annotated[int, Field(ge=0)] | None = None
    #: the field of a record that holds its key
    key: str = "id"
    #: the same for every record; a flow reads them as `ctx.parameters`
    parameters: Annotated[dict[str, Any], AfterValidator(_json_object)] = Field(
        default_factory=dict
    )
    #: instead of the flow's own
    retries: Annotated[int, Field(ge=0, le=100)] | None = None
    #: instead of the flow's own, in seconds
    timeout: Annotated[float, Field(gt=0, le=604_800)] | None = None
    label: Label | None = None
    tags: Annotated[list[Tag], Field(max_length=50)] = Field(default_factory=list)


def options_from(given: dict[str, Any]) -> BatchOptions:
    """The options, or one line that names the first wrong one."""
    try:
        return BatchOptions.model_validate({k: v for k, v in given.items() if v is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "options"
        if first["type"] == "extra_forbidden":
            known = ", ".join(BatchOptions.model_fields)
            raise OptionInvalid(f"there is no option {name!r}; there are: {known}") from None
        raise OptionInvalid(f"option {name}: {first['msg']}, not {first['input']!r}") from None
