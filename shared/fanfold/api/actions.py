"""`/api/actions`, `/api/providers`, `/api/roles`: which functions call which services, and what
whoever runs them needs. One sees what is needed by the actions that one may see."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from fanfold.api.asking import Asker, Asking
from fanfold.api.problems import answers
from fanfold.domain.access import roles_for_flow
from fanfold.domain.action import Action, NeededRole, Provider, providers_of, roles_of
from fanfold.domain.people import Role
from fanfold.execution.actions import FoundAction
from fanfold.graphs.actions import input_schema_of, output_schema_of

router = APIRouter(prefix="/api", tags=["actions"])


class ActionShape(BaseModel):
    """A function that calls a service, for the nodes of any graph."""

    id: str
    title: str
    description: str
    #: the service that it calls
    provider: str
    #: the OAuth scopes that its credentials need there
    scopes: list[str]
    #: the IAM roles that whatever runs it needs
    roles: list[str]
    #: JSON schemas of what it takes and gives; null: anything
    input_schema: dict[str, Any] | None
    output_schema: dict[str, Any] | None

    @classmethod
    def of(cls, found: FoundAction) -> ActionShape:
        action = found.action
        return cls(
            id=action.id,
            title=action.title,
            description=action.description,
            provider=action.provider,
            scopes=list(action.scopes),
            roles=list(action.roles),
            input_schema=input_schema_of(found.fn),
            output_schema=output_schema_of(found.fn),
        )


class ProviderShape(BaseModel):
    """A service that actions call."""

    provider: str
    #: the OAuth scopes that credentials need there
    scopes: list[str]
    #: the ids of the actions that call it
    actions: list[str]

    @classmethod
    def of(cls, it: Provider) -> ProviderShape:
        return cls(provider=it.provider, scopes=list(it.scopes), actions=list(it.actions))


class NeededRoleShape(BaseModel):
    """An IAM role that actions need."""

    role: str
    #: the ids of the actions that need it
    actions: list[str]

    @classmethod
    def of(cls, it: NeededRole) -> NeededRoleShape:
        return cls(role=it.role, actions=list(it.actions))


class NeedsShape(BaseModel):
    """What is needed by the actions of a flow."""

    #: their ids
    actions: list[str]
    providers: list[ProviderShape]
    roles: list[NeededRoleShape]

    @classmethod
    def of(cls, actions: Iterable[Action]) -> NeedsShape:
        its = list(actions)
        return cls(
            actions=sorted({it.id for it in its}),
            providers=[ProviderShape.of(it) for it in providers_of(its)],
            roles=[NeededRoleShape.of(it) for it in roles_of(its)],
        )


@router.get("/actions", summary="List actions", responses=answers())
def find(
    asker: Asking,
    provider: Annotated[str | None, Query(description="that call this service")] = None,
) -> list[ActionShape]:
    """Those one may see, by id."""
    return [ActionShape.of(it) for it in _seen(asker) if provider in (None, it.action.provider)]


@router.get("/providers", summary="List the services that actions call", responses=answers())
def providers(asker: Asking) -> list[ProviderShape]:
    """By name, each with the scopes that are needed there."""
    return [ProviderShape.of(it) for it in providers_of(it.action for it in _seen(asker))]


@router.get("/roles", summary="List the IAM roles that actions need", responses=answers())
def roles(asker: Asking) -> list[NeededRoleShape]:
    """By name: what to grant to whatever runs these actions."""
    return [NeededRoleShape.of(it) for it in roles_of(it.action for it in _seen(asker))]


def _seen(asker: Asker) -> list[FoundAction]:
    return [
        it
        for it in asker.fanfold.library.actions()
        if Role.VIEWER in roles_for_flow(asker.principal, it.action.access)
    ]
