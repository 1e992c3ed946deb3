"""Flows, as this dialect's clients read them."""

from __future__ import annotations

import sys
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from fanfold.api.asking import Asker
from fanfold.api.globus.documents import Document, Listed
from fanfold.api.globus.people import owner_urn, urns_of
from fanfold.api.globus.roles import flow_roles
from fanfold.api.shapes import moment
from fanfold.domain.people import ALL
from fanfold.domain.registered import made_of
from fanfold.errors import FlowInvalid
from fanfold.execution.library import Found
from fanfold.execution.validation import input_schema
from fanfold.graphs.states import definition_of
from fanfold.steps.known_flows import Known

_EVERYBODY = "public"


class FlowDescription(Document):
    """A flow, at a glance."""

    id: str
    title: str
    subtitle: str
    description: str
    keywords: list[str]
    created_at: datetime | None
    updated_at: datetime | None
    flow_owner: str | None
    created_by: str | None
    globus_auth_scope: str


class FlowDocument(FlowDescription):
    """A flow. Of one that is code, it is what the code says."""

    #: its name at every other face
    name: str
    #: whether it was registered as data, and so can be changed here
    registered: bool
    definition: dict[str, Any]
    input_schema: dict[str, Any]
    flow_viewers: list[str]
    flow_starters: list[str]
    flow_administrators: list[str]
    run_managers: list[str]
    run_monitors: list[str]
    user_role: str | None
    #: the same, in an older spelling
    visible_to: list[str]
    runnable_by: list[str]
    administered_by: list[str]
    user_id: str | None
    public: bool
    globus_auth_username: str
    principal_urn: str
    action_url: str
    flow_url: str
    api_version: str = "1.0"
    synchronous: bool = False
    log_supported: bool = True
    types: list[str] = ["Action"]  # noqa: RUF012  pydantic copies it
    authentication_policy_id: str | None = None
    subscription_id: str | None = None

    @property
    def scope_string(self) -> str:
        return self.globus_auth_scope


class DeletedFlow(FlowDocument):
    DELETED: bool = True
    deleted_at: datetime | None


class FlowList(Listed):
    flows: list[FlowDocument]


def changed_at(found: Found) -> float | None:
    """Of code: when its file was written, where there is one."""
    place = found.place.rpartition(":")[0]
    file = place if place.endswith(".py") else getattr(sys.modules.get(place), "__file__", None)
    with suppress(OSError):
        return Path(file).stat().st_mtime if file else None
    return None


def times_of(known: Known) -> tuple[float | None, float | None]:
    if known.registered is not None:
        return known.registered.created_at, known.registered.updated_at
    at = None if known.found is None else changed_at(known.found)
    return at, at


def described(known: Known) -> dict[str, Any]:
    """The fields of a FlowDescription."""
    it = known.registered
    created, updated = times_of(known)
    owner = owner_urn(known.access.owner)
    return {
        "id": known.id,
        "title": known.title,
        "subtitle": it.subtitle if it else "",
        "description": it.description if it else known.description,
        "keywords": list(it.keywords) if it else [],
        "created_at": moment(created),
        "updated_at": moment(updated),
        "flow_owner": owner,
        "created_by": owner,
        "globus_auth_scope": scope_of(known.id),
    }


def flow_document(asker: Asker, known: Known, base_url: str) -> dict[str, Any]:
    """The fields of a FlowDocument."""
    it, access = known.registered, known.access
    viewers, starters = (it.viewers, it.starters) if it else (access.viewers, access.starters)
    administrators = urns_of(it.administrators if it else ())
    url = f"{base_url}flows/{known.id}"
    definition, schema = definition_and_schema(known)
    roles = flow_roles(asker.principal, access, it)
    return {
        **described(known),
        "name": known.name,
        "registered": it is not None,
        "definition": definition,
        "input_schema": schema,
        "flow_viewers": urns_of(viewers, _EVERYBODY),
        "flow_starters": urns_of(starters),
        "flow_administrators": administrators,
        "run_managers": urns_of(access.managers),
        "run_monitors": urns_of(access.monitors),
        "user_role": roles[0] if roles else None,
        "visible_to": urns_of(viewers, _EVERYBODY),
        "runnable_by": urns_of(starters),
        "administered_by": administrators,
        "user_id": owner_urn(access.owner),
        "public": ALL in viewers,
        "globus_auth_username": f"{known.id}@clients.auth.globus.org",
        "principal_urn": owner_urn(known.id),
        "action_url": url,
        "flow_url": url,
    }


def definition_and_schema(known: Known) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of code that is wrong, or of what calls an action that is gone, as much as can be said."""
    made = made_of(known.registered.place) if known.registered else None
    if known.found is not None:
        with suppress(FlowInvalid):
            flow = known.found.flow
            return definition_of(flow, made), input_schema(flow) or {}
    if made is None:
        return {"StartAt": known.name, "States": {}}, {}
    said = made.definition or {"StartAt": "", "States": {}, "blueprint": dict(made.blueprint)}
    return dict(said), dict(made.input_schema)


def scope_of(flow_id: str) -> str:
    """As the clients make it of the id themselves."""
    name = f"flow_{flow_id.replace('-', '_')}_user"
    return f"https://auth.globus.org/scopes/{flow_id}/{name}"
