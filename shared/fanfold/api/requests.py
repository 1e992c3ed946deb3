"""What the API is asked with."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from fanfold.domain.flow import FLOW_NAME
from fanfold.domain.messages import BatchRequestMessage
from fanfold.domain.options import BatchOptions, options_from
from fanfold.domain.priority import Priority

#: what Buttermilk calls the same, in one or the other of its versions
_ALSO = {"flow_name": "flow", "flow_parameters": "parameters"}


class NewBatch(BatchRequestMessage):
    """A batch to be started: a flow that is registered here, its records or where they are (or
    neither, for the flow's own source), and any option of a batch."""

    #: a request over the network means a sample, and few at once, unless it says otherwise
    shuffle: bool = True
    concurrency: Annotated[int, Field(ge=1, le=100_000)] | None = 5

    @model_validator(mode="before")
    @classmethod
    def _by_other_names(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        data = {_ALSO.get(name, name): value for name, value in data.items()}
        if "rate" in data:  # its limit is what the rate can use
            data.setdefault("concurrency", None)
        if "seed" in data or "priority_field" in data:
            data.setdefault("shuffle", "seed" in data)
        return data

    @property
    def options(self) -> BatchOptions:
        return BatchOptions.model_validate(
            {name: getattr(self, name) for name in BatchOptions.model_fields}
        )


class HowToRun(BaseModel):
    """How one run is to go."""

    parameters: dict[str, Any] = Field(default_factory=dict)
    retries: Annotated[int, Field(ge=0, le=100)] | None = None
    timeout: Annotated[float, Field(gt=0, le=604_800)] | None = None
    #: seconds from now, when it is skipped if it has not ended
    deadline: Annotated[float, Field(gt=0, le=31_536_000)] | None = None
    priority: Priority = Priority.NORMAL
    #: who starts one run by itself may be asked, unless it is said that nobody is there
    interactive: bool = True
    #: the same one, of the same asker, names the same run
    request_id: Annotated[str, Field(min_length=1, max_length=200)] | None = None


class NewRun(HowToRun):
    """A flow to be run once: its input, and what else may be said of one run."""

    model_config = ConfigDict(extra="forbid")

    flow: Annotated[str, Field(pattern=FLOW_NAME.pattern)]
    input: Any
    label: str | None = None
    tags: list[str] = Field(default_factory=list)
    #: batches that have to end first, and how
    after: list[str] = Field(default_factory=list)
    after_on: Literal["success", "end"] = "success"
    managers: list[str] = Field(default_factory=list)
    monitors: list[str] = Field(default_factory=list)

    @property
    def options(self) -> BatchOptions:
        """Raises OptionInvalid."""
        return options_from(self.model_dump(exclude={"flow", "input", "request_id"}))


class About(BaseModel):
    """What is said of a batch or a run, and who may look at it or hold it; what is not named
    stays."""

    model_config = ConfigDict(extra="forbid")

    label: str | None = None
    tags: list[str] | None = None
    managers: list[str] | None = None
    monitors: list[str] | None = None

    @model_validator(mode="after")
    def _lists(self) -> Self:
        for name in ("tags", "managers", "monitors"):
            if name in self.model_fields_set and getattr(self, name) is None:
                raise ValueError(f"{name}: a list, and [] for none")
        return self


class Changes(About):
    """Options of a batch that has not ended, what it comes after while it waits, and what is said
    of it at any time; what is not named stays. A deadline is so many seconds from now."""

    concurrency: Annotated[int, Field(ge=1, le=100_000)] | None = None
    rate: str | None = None
    max_failures: int | str | None = None
    error_policy: Literal["continue", "stop"] | None = None
    max_spend: Annotated[float, Field(ge=0, le=1_000_000)] | None = None
    deadline: Annotated[float, Field(gt=0, le=31_536_000)] | None = None
    after: list[str] | None = None
    after_on: Literal["success", "end"] | None = None

    @model_validator(mode="after")
    def _after_whom(self) -> Self:
        if "after" in self.model_fields_set and self.after is None:
            raise ValueError("after: a list, and [] for none")
        return self


State = Literal["failed", "canceled", "skipped", "succeeded"]


class Retry(BaseModel):
    """Which records run again: of states and errors, what any of them names; with indexes besides,
    what all name."""

    model_config = ConfigDict(extra="forbid")

    states: list[State] = Field(default_factory=list)
    #: fingerprints
    errors: list[str] = Field(default_factory=list)
    indexes: Annotated[list[Annotated[int, Field(ge=0)]], Field(max_length=100_000)] | None = None
    parameters: dict[str, Any] | None = None
    concurrency: Annotated[int, Field(ge=1, le=100_000)] | None = None
    max_failures: int | str | None = None
    max_spend: Annotated[float, Field(ge=0, le=1_000_000)] | None = None
    canary: Annotated[int, Field(ge=1, le=100_000)] | None = None
    deadline: Annotated[float, Field(gt=0, le=31_536_000)] | None = None
    #: of the batch as one knows it: the same call, repeated, then changes nothing more
    generation: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _some(self) -> Retry:
        if not self.states and not self.errors and self.indexes is None:
            raise ValueError("which records? Name states, errors or indexes")
        return self
