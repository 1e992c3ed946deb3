"""`/v1/flows`: what can be started, and what is registered as data, changed and removed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field

from fanfold.api.asking import Asker, Asking
from fanfold.api.globus.flow_documents import DeletedFlow, FlowDocument, FlowList, flow_document
from fanfold.api.globus.paging import Asked, in_order, orders_of, page_of, refused, words_of
from fanfold.api.globus.people import Person, owner_urn, person_of
from fanfold.api.globus.repeated import Key, tokens_of
from fanfold.api.globus.roles import FLOW_ROLES, flow_roles
from fanfold.api.shapes import moment
from fanfold.domain import action
from fanfold.domain.access import Action, check_flow, roles_for_flow
from fanfold.domain.people import ALL, Role
from fanfold.domain.registered import Registered
from fanfold.errors import Conflict, FlowNotFound, Forbidden
from fanfold.steps.known_flows import Known, all_flows, flow_of_id
from fanfold.steps.register import change, checked, register, remove

router = APIRouter(prefix="/flows", tags=["flows"])

Text = Annotated[str, Field(max_length=4096)]
Title = Annotated[str, Field(min_length=1, max_length=128)]
Keywords = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=64)]], Field(max_length=100)
]
People = Annotated[list[Person], Field(max_length=500)]
#: what a list may be ordered by
_FIELDS = ("id", "scope_string", "title", "created_at", "updated_at", "flow_owner", "created_by")
#: a Registered's field, by its name there
_OURS = {
    "flow_owner": "owner",
    "flow_viewers": "viewers",
    "flow_starters": "starters",
    "flow_administrators": "administrators",
}


class Definition(BaseModel):
    """A flow that is data: a blueprint, or states that are actions and passes."""

    definition: dict[str, Any]
    #: JSON schema of what it takes; {}: anything
    input_schema: dict[str, Any] = Field(default_factory=dict)


class NewFlow(Definition):
    """A flow to be registered."""

    title: Title
    subtitle: Text = ""
    description: Text = ""
    keywords: Keywords = Field(default_factory=list)
    flow_viewers: People = Field(default_factory=list)
    flow_starters: People = Field(default_factory=list)
    flow_administrators: People = Field(default_factory=list)
    run_managers: People = Field(default_factory=list)
    run_monitors: People = Field(default_factory=list)
    #: as a viewer that is everybody
    public: bool = False


class FlowChanges(BaseModel):
    """What is not named stays, and so does what is null."""

    definition: dict[str, Any] | None = None
    input_schema: dict[str, Any] | None = None
    title: Title | None = None
    subtitle: Text | None = None
    description: Text | None = None
    keywords: Keywords | None = None
    #: whoever asks, who must be one of its administrators
    flow_owner: Person | None = None
    flow_viewers: People | None = None
    flow_starters: People | None = None
    flow_administrators: People | None = None
    run_managers: People | None = None
    run_monitors: People | None = None
    public: bool | None = None


class Validated(BaseModel):
    """What whoever runs it needs."""

    #: OAuth scopes that the actions' services ask for
    scopes: dict[str, list[str]]
    #: IAM roles that the actions need
    roles: list[str]


@router.post("", summary="Register a flow", status_code=201)
def create(
    asker: Asking, request: Request, body: NewFlow, key: Annotated[Key, Depends()]
) -> FlowDocument:
    """A graph of registered actions, as data. It can be started at once, here, and by its `name`
    through `/api` and by a published message."""
    fanfold = asker.fanfold
    tokens = tokens_of(key.said, body.model_dump(), fanfold.ports.clock.now())
    said = _said(body.model_dump())
    if body.public:
        said["viewers"] = _viewers(body.flow_viewers, public=True)
    arguments = fanfold.ports, fanfold.library, _may_use(asker), asker.principal
    it = register(*arguments, tokens.now, said, tokens.before, tokens.since)
    return _document(asker, request, flow_of_id(fanfold.ports, fanfold.library, it.id))


@router.post("/validate", summary="Check a definition")
def validate(asker: Asking, body: Definition) -> Validated:
    """Whether it could be registered; nothing is."""
    library = asker.fanfold.library
    given = body.definition, body.input_schema
    name = "to-be-checked"
    its = checked(library, _may_use(asker), *given, name=name, title=name).actions
    scopes = sorted({scope for it in its for scope in it.scopes})
    return Validated(
        scopes={"User": scopes}, roles=sorted({role for it in its for role in it.roles})
    )


@router.get("", summary="List flows")
def find(
    asker: Asking,
    request: Request,
    asked: Asked,
    filter_roles: Annotated[str | None, Query(description="any of these, with commas")] = None,
    filter_role: Annotated[str | None, Query(include_in_schema=False)] = None,
    filter_fulltext: Annotated[str | None, Query(max_length=200)] = None,
    q: Annotated[str | None, Query(max_length=200, description="as filter_fulltext")] = None,
    filter_owner: Annotated[str | None, Query(max_length=200)] = None,
    filter_public: bool = False,
    orderby: Annotated[list[str] | None, Query(description="such as `title ASC`")] = None,
) -> FlowList:
    """Those one may see."""
    wanted = words_of("filter_roles", filter_roles, FLOW_ROLES)
    wanted |= words_of("filter_role", filter_role, FLOW_ROLES)
    orders = orders_of(orderby, _FIELDS)
    owner = _owner(filter_owner)
    documents = []
    for known in all_flows(asker.fanfold.ports, asker.fanfold.library):
        roles = flow_roles(asker.principal, known.access, known.registered)
        if not roles or (wanted and wanted.isdisjoint(roles)):
            continue
        if filter_public and ALL not in known.access.viewers:
            continue
        if owner and owner_urn(known.access.owner) != owner:
            continue
        document = _document(asker, request, known)
        if _has(document, filter_fulltext) and _has(document, q):
            documents.append(document)
    page, about = page_of(in_order(documents, orders), asked)
    return FlowList(flows=page, **about)


@router.get("/{flow_id}", summary="Look at a flow")
def get(asker: Asking, request: Request, flow_id: str) -> FlowDocument:
    return _document(asker, request, seen(asker, Action.SEE_FLOW, flow_id))


@router.put("/{flow_id}", summary="Change a flow")
def update(asker: Asking, request: Request, flow_id: str, body: FlowChanges) -> FlowDocument:
    """Of what is registered; runs of it go on as they were started."""
    registered, _ = _registered(asker, flow_id)
    changes = _said(body.model_dump(exclude_none=True))
    if "owner" in changes:
        if not asker.principal.is_among((changes["owner"],)):
            raise Forbidden("a flow can be made one's own, and nobody else's")
        changes["owner"] = asker.principal.identity
    if body.public is not None:
        viewers = changes.get("viewers", registered.viewers)
        changes["viewers"] = _viewers(viewers, public=body.public)
    fanfold = asker.fanfold
    arguments = fanfold.ports, fanfold.library, _may_use(asker), asker.principal
    change(*arguments, registered.id, changes)
    return _document(asker, request, flow_of_id(fanfold.ports, fanfold.library, registered.id))


@router.delete("/{flow_id}", summary="Remove a flow")
def delete(asker: Asking, request: Request, flow_id: str) -> DeletedFlow:
    """It cannot be started any more; what was started of it goes on."""
    _, known = _registered(asker, flow_id)
    ports = asker.fanfold.ports
    remove(ports, asker.principal, known.id)
    deleted_at = moment(ports.clock.now())
    return DeletedFlow(**flow_document(asker, known, str(request.base_url)), deleted_at=deleted_at)


def seen(asker: Asker, do: Action, flow_id: str) -> Known:
    """Raises FlowNotFound, Forbidden."""
    fanfold = asker.fanfold
    try:
        known = flow_of_id(fanfold.ports, fanfold.library, str(UUID(flow_id)))
    except ValueError:
        raise FlowNotFound from None
    check_flow(asker.principal, do, known.name, known.access)
    return known


def _registered(asker: Asker, flow_id: str) -> tuple[Registered, Known]:
    """Raises Conflict for one that is code."""
    known = seen(asker, Action.SEE_FLOW, flow_id)
    if known.registered is None:
        raise Conflict(f"{known.name} is code, and changed with it: deploy it anew")
    return known.registered, known


def _document(asker: Asker, request: Request, known: Known) -> FlowDocument:
    return FlowDocument(**flow_document(asker, known, str(request.base_url)))


def _owner(named: str | None) -> str | None:
    """As owners are shown, in whatever words one is named."""
    try:
        return owner_urn(person_of(named or ""))
    except ValueError as error:
        raise refused("filter_owner", str(error)) from None


def _may_use(asker: Asker) -> Any:
    def may(it: action.Action) -> bool:
        return Role.STARTER in roles_for_flow(asker.principal, it.access)

    return may


def _said(body: dict[str, Any]) -> dict[str, Any]:
    """As the fields of a Registered, but for whether it is public."""
    return {
        _OURS.get(name, name): tuple(it) if isinstance(it, list) else it
        for name, it in body.items()
        if name != "public"
    }


def _viewers(named: Iterable[str], *, public: bool) -> tuple[str, ...]:
    """That it is public is said of its viewers."""
    others = tuple(it for it in named if it != ALL)
    return (*others, ALL) if public else others


def _has(document: FlowDocument, text: str | None) -> bool:
    if not text:
        return True
    people = [document.flow_owner or "", *document.flow_administrators]
    words = [document.id, document.title, document.subtitle, document.description, *people]
    return any(text.casefold() in it.casefold() for it in (*words, *document.keywords))
