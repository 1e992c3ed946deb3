"""A run is started: the same by either client's words, and one of many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, Field, model_validator

from fanfold.api.asking import Asker
from fanfold.api.globus.errors import InputRefused
from fanfold.api.globus.people import Person
from fanfold.api.globus.repeated import Tokens
from fanfold.api.requests import HowToRun
from fanfold.domain.batch import Batch
from fanfold.domain.ids import batch_id_for_request
from fanfold.domain.options import options_from
from fanfold.domain.people import GROUP
from fanfold.errors import BatchNotFound, FlowNotFound
from fanfold.execution.library import Found
from fanfold.execution.schema import Problem, Schema
from fanfold.execution.validation import check_input
from fanfold.steps.create_batch import BatchRequest
from fanfold.steps.known_flows import Known
from fanfold.steps.start_run import SOURCE, start_run

People = Annotated[list[Person], Field(max_length=500)]
Group = Annotated[str, Field(min_length=1, max_length=190)]
Groups = Annotated[list[Group], Field(max_length=500)]


class _Said(BaseModel):
    """Who may look at a run and hold it, in either client's words, and what it is called. What is
    null is not said."""

    label: str | None = None
    tags: list[str] | None = None
    run_managers: People | None = None
    run_monitors: People | None = None
    run_managing_by: People | None = None
    run_managing_groups: Groups | None = None
    run_monitoring_by: People | None = None
    run_monitoring_groups: Groups | None = None
    manage_by: People | Person | None = None
    monitor_by: People | Person | None = None

    @property
    def managers(self) -> list[str] | None:
        return _people(
            self.run_managers, self.run_managing_by, self.manage_by, self.run_managing_groups
        )

    @property
    def monitors(self) -> list[str] | None:
        return _people(
            self.run_monitors, self.run_monitoring_by, self.monitor_by, self.run_monitoring_groups
        )


class RunChanges(_Said):
    """What is not named stays."""

    @property
    def changes(self) -> dict[str, Any]:
        said = {"tags": self.tags, "managers": self.managers, "monitors": self.monitors}
        changes = {name: value for name, value in said.items() if value is not None}
        return {**changes, "label": self.label} if "label" in self.model_fields_set else changes


class RunBody(_Said, HowToRun):
    """What a flow is started with: the clients' own words, and how any run here may be said to go.
    Other words are passed over."""

    #: the input; `input`, as the other client calls it
    body: Any = None

    @model_validator(mode="before")
    @classmethod
    def _by_other_name(cls, data: Any) -> Any:
        if isinstance(data, dict) and "input" in data and "body" not in data:
            data = {**data, "body": data["input"]}
        return data

    @model_validator(mode="after")
    def _has_input(self) -> RunBody:
        if "body" not in self.model_fields_set:
            raise ValueError("it is missing: the input of the run, {} for none")
        return self


class NewRun(RunBody):
    flow_id: Annotated[str, Field(max_length=100)]

    @property
    def content(self) -> dict[str, Any]:
        """All that was asked for."""
        return self.model_dump(mode="json")

    @property
    def options(self) -> Any:
        """Raises OptionInvalid."""
        own = ("label", "parameters", "retries", "timeout", "deadline", "priority", "interactive")
        people = {"managers": self.managers or [], "monitors": self.monitors or []}
        said = {name: getattr(self, name) for name in own}
        return options_from({**said, **people, "tags": self.tags or []})


@dataclass(frozen=True, slots=True)
class Started:
    batch: Batch
    #: whether the same request has started it before
    repeated: bool


def check_may_start(known: Known, body: NewRun) -> Found:
    """Raises FlowNotFound where it cannot run, InputRefused, InputInvalid, OptionInvalid."""
    if known.found is None:
        raise FlowNotFound
    flow = known.found.flow
    if flow.schema is None:
        check_input(flow, body.body)
    elif details := [_detail(it) for it in Schema(flow.schema).problems(body.body)]:
        raise InputRefused(details)
    _ = body.options
    return known.found


def _detail(it: Problem) -> dict[str, Any]:
    place = ".".join(["$", *map(str, it.path)])
    return {"loc": [place], "msg": it.message, "type": "InvalidActionInput"}


def started(asker: Asker, known: Known, body: NewRun, tokens: Tokens) -> Started:
    """Raises what check_may_start does, and RequestReused."""
    found = check_may_start(known, body)
    identity = asker.principal.identity
    if tokens.before is not None:
        before = _known(asker, batch_id_for_request(identity, tokens.before))
        if before is not None and before.created_at >= tokens.since:
            return Started(before, repeated=True)
    repeated = _known(asker, batch_id_for_request(identity, tokens.now)) is not None
    request = BatchRequest(
        found.ref,
        body.options,
        source_name=SOURCE,
        request_id=tokens.now,
        principal=identity,
        owner=identity,
    )
    batch = start_run(asker.fanfold.ports, found, body.body, request, asker.sees)
    return Started(batch, repeated)


def _known(asker: Asker, batch_id: str) -> Batch | None:
    try:
        return asker.fanfold.ports.batches.get(batch_id)
    except BatchNotFound:
        return None


def _people(*said: list[str] | str | None) -> list[str] | None:
    """The last are groups. None: nothing was said."""
    *people, groups = said
    if all(it is None for it in said):
        return None
    named = [one for it in people for one in ([it] if isinstance(it, str) else it or ())]
    return [*named, *(f"{GROUP}{it}" for it in groups or ())]
