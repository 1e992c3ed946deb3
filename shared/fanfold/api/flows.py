"""`/api/flows`: what can be started here."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from fanfold.api.asking import Asking
from fanfold.api.problems import answers
from fanfold.domain.access import Action, roles_for_flow
from fanfold.domain.people import Principal, Role
from fanfold.execution.library import Found

router = APIRouter(prefix="/api/flows", tags=["flows"])


class FlowShape(BaseModel):
    """A flow that is registered here."""

    name: str
    title: str
    description: str
    version: str
    #: whether it has records of its own, for when none are given
    has_source: bool
    has_fold: bool
    retries: int
    timeout: float | None
    #: what the asker is to it
    roles: list[Role]

    @classmethod
    def of(cls, found: Found, principal: Principal) -> FlowShape:
        flow = found.flow
        return cls(
            name=flow.name,
            title=flow.title,
            description=flow.description,
            version=flow.version,
            has_source=flow.source is not None,
            has_fold=flow.fold is not None,
            retries=flow.retry.retries,
            timeout=flow.timeout,
            roles=sorted(roles_for_flow(principal, flow.access)),
        )


@router.get("", summary="List flows", responses=answers())
def find(asker: Asking) -> list[FlowShape]:
    """Those one may see, by name."""
    flows = [FlowShape.of(it, asker.principal) for it in asker.fanfold.library.all()]
    return [it for it in flows if Role.VIEWER in it.roles]


@router.get("/{name}", summary="Look at a flow", responses=answers(404))
def get(asker: Asking, name: str) -> FlowShape:
    """One of them."""
    return FlowShape.of(asker.flow(Action.SEE_FLOW, name), asker.principal)
