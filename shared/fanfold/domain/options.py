"""What a user may say about one batch. One model for every face."""

from __future__ import annotations

import json
import re
from math import prod
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from fanfold.domain.ids import PATTERN
from fanfold.domain.priority import Priority
from fanfold.domain.rate import per_second
from fanfold.errors import OptionInvalid

#: of a parameter grid
MAX_COMBINATIONS = 1000

_SHARE = re.compile(r"(100|[0-9]{1,2}(\.[0-9]{1,3})?)%")
Label = Annotated[str, Field(max_length=200)]
Person = Annotated[str, Field(min_length=1, max_length=200)]
Tag = Annotated[str, Field(min_length=1, max_length=100)]
BatchName = Annotated[str, Field(pattern=f"^{PATTERN}$")]


def _json_object(value: dict[str, Any]) -> dict[str, Any]:
    """As it will be once it has been stored: what JSON would lose or change is refused."""
    if not value:  # mostly, and each time a batch is read
        return value
    try:
        same = json.loads(json.dumps(value, allow_nan=False))
        json.dumps(value, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"must be a JSON object: {error}") from None
    if same != value:
        raise ValueError("must be a JSON object: keys are text, and there are no tuples or sets")
    return value


def _small_grid(value: dict[str, list[Any]]) -> dict[str, list[Any]]:
    if prod(len(values) for values in value.values()) > MAX_COMBINATIONS:
        raise ValueError(f"must have at most {MAX_COMBINATIONS:,} combinations")
    return value


def _budget(value: Any) -> int | str | None:
    if value is None or (type(value) is int and value >= 0):
        return value
    if isinstance(value, str) and _SHARE.fullmatch(value):
        return value
    raise ValueError("must be a number of records, or a share of all such as 3%")


def _each_once(value: list[str]) -> list[str]:
    return list(dict.fromkeys(value))


def _rate(value: str) -> str:
    per_second(value)
    return value


class BatchOptions(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    #: how many of the batch's records may be in flight at once; None: no limit
    concurrency: Annotated[int, Field(ge=1, le=100_000)] | None = None
    #: how many attempts may begin per time (10/s, 600/min, 5000/h), over all processes; None: no
    #: limit. Without `concurrency` that becomes what the rate can use
    rate: Annotated[str, AfterValidator(_rate)] | None = None
    #: whether a record that fails leaves the others alone, or the first such ends the batch
    error_policy: Literal["continue", "stop"] = "continue"
    #: more failed records than this end the batch: a number, or a share of all records such as 3%
    max_failures: Annotated[int | str | None, BeforeValidator(_budget)] = None
    #: dollars: more than that, by what its flow says with `ctx.spend`, ends the batch. What is in
    #: flight then is spent besides; without `concurrency` that is 100 records
    max_spend: Annotated[float, Field(ge=0, le=1_000_000)] | None = None
    #: so many records are run first, alone. If all of them succeed the rest follows; if not, the
    #: batch is paused, for somebody to look and to resume or cancel it
    canary: Annotated[int, Field(ge=1, le=100_000)] | None = None
    #: seconds after its creation, when what is not settled by then is skipped
    deadline: Annotated[float, Field(gt=0, le=31_536_000)] | None = None
    #: take only so many records: the first ones, or, with `shuffle`, ones drawn evenly from all
    max_records: Annotated[int, Field(ge=0)] | None = None
    #: dispatch the records in a random order; their indexes and results keep the source's
    shuffle: bool = False
    #: what that order derives from; drawn when the batch is created, if it is not given
    seed: Annotated[int, Field(ge=0, lt=1 << 63)] | None = None
    #: the place (`a.b.0`) in a record of its own priority within the batch, 0 to 9: the records of
    #: 9 are dispatched first, those that have none are 0. Not the batch's, which is `priority`
    priority_field: Annotated[str, Field(min_length=1)] | None = None
    #: the field of a record that holds its key
    key: str = "id"
    #: refuse a source in which two records have the same key, or one has none
    unique_keys: bool = False
    #: rename and pick: the record's new fields, each with the place (`a.b.0`) it is taken from
    select: dict[Annotated[str, Field(min_length=1)], Annotated[str, Field(min_length=1)]] = Field(
        default_factory=dict
    )
    #: the same for every record; a flow reads them as `ctx.parameters`
    parameters: Annotated[dict[str, Any], AfterValidator(_json_object)] = Field(
        default_factory=dict
    )
    #: each record runs once with each combination of these, laid over `parameters`
    grid: Annotated[
        dict[Annotated[str, Field(min_length=1)], Annotated[list[Any], Field(min_length=1)]],
        AfterValidator(_json_object),
        AfterValidator(_small_grid),
    ] = Field(default_factory=dict)
    #: instead of the flow's own
    retries: Annotated[int, Field(ge=0, le=100)] | None = None
    #: instead of the flow's own, in seconds
    timeout: Annotated[float, Field(gt=0, le=604_800)] | None = None
    #: whether its runs may ask people (`ctx.ask`) and wait for their answers; if not, one that asks
    #: fails
    interactive: bool = False
    #: where several batches are ready, workers that pull take the records of `high` ones first and
    #: of `low` ones last; functions that are pushed to get them as they come
    priority: Annotated[Priority, Field(strict=False)] = Priority.NORMAL
    #: ids of batches that have to end first: until then nothing of it is begun (domain.following)
    after: Annotated[list[BatchName], Field(max_length=100), AfterValidator(_each_once)] = Field(
        default_factory=list
    )
    #: how they have to end: all completed, or else it is skipped; or in whatever way
    after_on: Literal["success", "end"] = "success"
    #: who may hold the batch besides its owner, and who may look at it: identities, `group:NAME`,
    #: or `all` for everybody whose identity is known (domain.access)
    managers: Annotated[list[Person], Field(max_length=100)] = Field(default_factory=list)
    monitors: Annotated[list[Person], Field(max_length=100)] = Field(default_factory=list)
    label: Label | None = None
    tags: Annotated[list[Tag], Field(max_length=50)] = Field(default_factory=list)

    @model_validator(mode="after")
    def _one_budget(self) -> Self:
        if self.error_policy == "stop" and self.max_failures not in (None, 0):
            raise ValueError("error_policy stop is max_failures 0: give one of them")
        return self

    @model_validator(mode="after")
    def _a_seed_has_a_use(self) -> Self:
        if self.seed is not None and not self.shuffle:
            raise ValueError("seed is for shuffle, which is not asked for")
        return self


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
        told = first["msg"].removeprefix("Value error, ")
        if not first["loc"]:
            raise OptionInvalid(f"options: {told}") from None
        raise OptionInvalid(f"option {name}: {told}, not {first['input']!r}") from None
