"""`/v1/action_providers`: the services that actions call, and the IAM roles that they need there.
One sees what the actions need that one may see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from fanfold.api.asking import Asker, Asking
from fanfold.api.globus.documents import Document, Listed
from fanfold.api.globus.paging import Asked, in_order, orders_of, page_of
from fanfold.domain.access import roles_for_flow
from fanfold.domain.action import Action, NeededRole, Provider, providers_of, roles_of
from fanfold.domain.people import Role
from fanfold.domain.registered import uuid_named
from fanfold.errors import NotThere

router = APIRouter(prefix="/action_providers", tags=["action providers"])
_FIELDS = ("id", "display_name")


class ProviderNotFound(NotThere):
    """There is no such action provider here."""


class RoleNotFound(NotThere):
    """There is no such role here."""


class ProviderDocument(Document):
    """A service."""

    id: str
    display_name: str
    description: str
    owner: str = ""
    type: str = "fanfold"
    globus: bool = False
    visible: bool = True
    #: OAuth scopes that its actions ask for, and the ids of these
    scopes: list[str]
    actions: list[str]


class RoleDocument(BaseModel):
    """An IAM role that actions of the service need."""

    id: str
    name: str
    description: str
    #: `actions`: the ids of those that need it
    action_fields: dict[str, Any]
    input_schema: dict[str, Any] = {}
    visible: bool = True


class ProviderList(Listed):
    action_providers: list[ProviderDocument]


class RoleList(Listed):
    action_roles: list[RoleDocument]


@dataclass(frozen=True, slots=True)
class Seen:
    """A provider, with those of its actions that one may see."""

    provider: Provider
    actions: tuple[Action, ...]

    @property
    def id(self) -> str:
        return uuid_named(f"provider {self.provider.provider}")

    @property
    def roles(self) -> list[NeededRole]:
        return roles_of(self.actions)

    def role_id(self, role: NeededRole) -> str:
        return uuid_named(f"role {self.provider.provider} {role.role}")


@router.get("", summary="List action providers")
def find(
    asker: Asking,
    asked: Asked,
    q: Annotated[str | None, Query(max_length=200, description="with this in its name")] = None,
    orderby: Annotated[list[str] | None, Query(description="`display_name ASC`")] = None,
) -> ProviderList:
    documents = [_document(it) for it in _seen(asker)]
    found = [it for it in documents if (q or "").casefold() in it.display_name.casefold()]
    page, about = page_of(in_order(found, orders_of(orderby, _FIELDS)), asked)
    return ProviderList(action_providers=page, **about)


@router.get("/{provider_id}", summary="Look at an action provider")
def get(asker: Asking, provider_id: str) -> ProviderDocument:
    return _document(provider_of(asker, provider_id))


@router.get("/{provider_id}/roles", summary="List the roles that its actions need")
def find_roles(asker: Asking, asked: Asked, provider_id: str) -> RoleList:
    provider = provider_of(asker, provider_id)
    page, about = page_of([_role(provider, it) for it in provider.roles], asked)
    return RoleList(action_roles=page, **about)


@router.get("/{provider_id}/roles/{role_id}", summary="Look at a role")
def get_role(asker: Asking, provider_id: str, role_id: str) -> RoleDocument:
    return role_of(provider_of(asker, provider_id), role_id)


def provider_of(asker: Asker, provider_id: str) -> Seen:
    """Raises ProviderNotFound. A provider is known by its name as well."""
    for it in _seen(asker):
        if provider_id in (it.id, it.provider.provider):
            return it
    raise ProviderNotFound


def role_of(provider: Seen, role_id: str) -> RoleDocument:
    """Raises RoleNotFound. A role is known by its name as well."""
    for it in provider.roles:
        if role_id in (provider.role_id(it), it.role):
            return _role(provider, it)
    raise RoleNotFound


def _seen(asker: Asker) -> list[Seen]:
    seen = [
        it.action
        for it in asker.fanfold.library.actions()
        if Role.VIEWER in roles_for_flow(asker.principal, it.action.access)
    ]
    return [
        Seen(provider, tuple(it for it in seen if it.provider == provider.provider))
        for provider in providers_of(seen)
    ]


def _document(it: Seen) -> ProviderDocument:
    titles = ", ".join(action.title for action in it.actions)
    return ProviderDocument(
        id=it.id,
        display_name=it.provider.provider,
        description=f"What calls it: {titles}",
        scopes=list(it.provider.scopes),
        actions=list(it.provider.actions),
    )


def _role(provider: Seen, it: NeededRole) -> RoleDocument:
    return RoleDocument(
        id=provider.role_id(it),
        name=it.role,
        description=f"{', '.join(it.actions)}: whatever runs it needs this role",
        action_fields={"actions": list(it.actions)},
    )
