"""register: a flow is given as data, changed and removed, by whoever may.

A batch carries the flow that it was started with (domain.registered), so none of this touches what
runs: a change is for what is started from then on, and what was removed runs on.

The name derives from the title and from who registers it and with which request, so that a request
that is repeated finds the flow there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

from fanfold.domain.access import may_edit
from fanfold.domain.action import Action
from fanfold.domain.people import Principal
from fanfold.domain.registered import MAX_BYTES, Made, Registered, flow_id_of, made_of
from fanfold.errors import FlowInvalid, FlowNotFound, Forbidden, RequestReused
from fanfold.execution.library import Library
from fanfold.execution.schema import Schema, SchemaInvalid
from fanfold.graphs.actions import actions_of
from fanfold.graphs.flow import Flow
from fanfold.graphs.states import DefinitionInvalid, blueprint_of, states_of
from fanfold.ports import Ports

_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_LONGEST = 60
_DEEPEST = 32


@dataclass(frozen=True, slots=True)
class Checked:
    """A definition that can be a flow here."""

    made: Made
    flow: Flow

    @property
    def actions(self) -> list[Action]:
        return actions_of(self.flow)


def checked(
    library: Library,
    may_use: Callable[[Action], bool],
    definition: Mapping[str, Any],
    input_schema: Mapping[str, Any],
    name: str,
    title: str,
) -> Checked:
    """Raises DefinitionInvalid."""
    for field, value in (("definition", definition), ("input_schema", input_schema)):
        if _is_deeper(value, _DEEPEST):
            raise DefinitionInvalid(f"it is more than {_DEEPEST} levels deep", field)
    try:
        if input_schema:
            Schema(input_schema)
    except SchemaInvalid as error:
        raise DefinitionInvalid(str(error), "input_schema") from None
    blueprint = _given_blueprint(definition)
    said = None if blueprint is not None else definition
    if blueprint is None:
        blueprint = blueprint_of(definition, name)
    made = Made({**blueprint, "name": name, "title": title}, input_schema, said)
    if len(made.place) > MAX_BYTES:
        raise DefinitionInvalid(f"it takes more than {MAX_BYTES // 1024} KiB", "definition")
    try:
        flow = library.made(made, may_use)
    except DefinitionInvalid:
        raise
    except FlowInvalid as error:
        raise DefinitionInvalid(str(error), "definition") from None
    assert isinstance(flow, Flow)  # noqa: S101  what makes it makes graphs
    _check_same(definition, flow)
    return Checked(made, flow)


def register(
    ports: Ports,
    library: Library,
    may_use: Callable[[Action], bool],
    principal: Principal,
    request: str,
    said: Mapping[str, Any],
    before: str | None = None,
    since: float = 0.0,
) -> Registered:
    """`said`: title, definition, input_schema and the other fields of a `Registered`. `before`:
    another name of the request, under which it may have come already, since then. Raises
    DefinitionInvalid; RequestReused for another flow under the same request."""
    if before is not None:
        with suppress(FlowNotFound):
            name = _name_for(said["title"], principal.identity, before)
            known = ports.flows.get(flow_id_of(name))
            if known.created_at >= since:
                return known
    name = _name_for(said["title"], principal.identity, request)
    rest = dict(said)
    definition, schema = rest.pop("definition"), rest.pop("input_schema", {})
    found = checked(library, may_use, definition, schema, name, said["title"])
    now = ports.clock.now()
    wanted = Registered(
        name=name,
        place=found.made.place,
        owner=principal.identity,
        created_at=now,
        updated_at=now,
        **rest,
    )
    stored = ports.flows.add(wanted)
    if stored.place != wanted.place:
        raise RequestReused("this request id already registered another flow. Use a new one.")
    return stored


def change(
    ports: Ports,
    library: Library,
    may_use: Callable[[Action], bool],
    principal: Principal,
    flow_id: str,
    changes: Mapping[str, Any],
) -> Registered:
    """What is not named stays. Raises DefinitionInvalid, FlowNotFound, Forbidden."""
    now = ports.clock.now()

    def arrow(it: Registered) -> Registered:
        _check_may_edit(principal, it)
        rest = dict(changes)
        made = made_of(it.place)
        assert made is not None  # noqa: S101  it is registered
        definition = rest.pop("definition", None)
        if definition is None:
            definition = made.blueprint if made.definition is None else made.definition
        schema = rest.pop("input_schema", made.input_schema)
        title = rest.get("title", it.title)
        if title != it.title or changes.keys() & {"definition", "input_schema"}:
            place = checked(library, may_use, definition, schema, it.name, title).made.place
            it = replace(it, place=place)
        return replace(it, updated_at=now, **rest)

    return ports.flows.amend(flow_id, arrow)


def remove(ports: Ports, principal: Principal, flow_id: str) -> Registered:
    """As it was. Raises FlowNotFound, Forbidden."""
    it = ports.flows.get(flow_id)
    _check_may_edit(principal, it)
    ports.flows.remove(flow_id)
    return it


def _check_may_edit(principal: Principal, it: Registered) -> None:
    may = may_edit(principal, it)
    if may is None:
        raise FlowNotFound(f"there is no flow {it.id} here")
    if not may:
        raise Forbidden(f"{principal.identity} may see the flow {it.id}, and not change it")


def _given_blueprint(definition: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """It is one, or has one beside its states."""
    beside = definition.get("blueprint")
    if isinstance(beside, Mapping):
        return beside
    return None if beside is None else definition


def _check_same(definition: Mapping[str, Any], flow: Flow) -> None:
    """What says the flow twice must say the same twice."""
    if not isinstance(definition.get("blueprint"), Mapping) or "States" not in definition:
        return
    shown = states_of(flow.graph)
    if definition["States"] != shown["States"]:
        raise DefinitionInvalid(
            "its States are not those of its blueprint: change the blueprint and leave the States "
            "out, or the other way round",
            "definition",
            "States",
        )


def _is_deeper(value: Any, levels: int) -> bool:
    if isinstance(value, Mapping):
        return not levels or any(_is_deeper(it, levels - 1) for it in value.values())
    if isinstance(value, list):
        return not levels or any(_is_deeper(it, levels - 1) for it in value)
    return False


def _name_for(title: str, identity: str, request: str) -> str:
    words = _NOT_IN_NAMES.sub("-", title.lower()).strip("-")[:_LONGEST].strip("-")
    if not words or not words[0].isalpha():
        words = f"flow-{words}".strip("-")
    text = json.dumps([identity, request])
    return f"{words}-{blake2b(text.encode(), digest_size=5).hexdigest()}"
