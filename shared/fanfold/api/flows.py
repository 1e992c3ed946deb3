"""`/api/flows`: what can be started here."""

from __future__ import annotations

from contextlib import suppress
from typing import Self

from fastapi import APIRouter
from pydantic import BaseModel

from fanfold import log
from fanfold.api.actions import NeedsShape
from fanfold.api.asking import Asking
from fanfold.api.graph_shapes import GraphShape
from fanfold.api.problems import answers
from fanfold.domain.access import Action, roles_for_flow
from fanfold.domain.people import Principal, Role
from fanfold.domain.registered import flow_id_of
from fanfold.errors import FlowInvalid
from fanfold.execution.library import Found
from fanfold.graphs.actions import actions_of
from fanfold.graphs.flow import Flow
from fanfold.steps.known_flows import all_flows

router = APIRouter(prefix="/api/flows", tags=["flows"])


class FlowShape(BaseModel):
    """A flow that is registered here."""

    name: str
    #: by which clients of Globus Flows know it (`/v1`)
    flow_id: str
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
    def of(cls, found: Found, principal: Principal) -> Self:
        flow = found.flow
        with suppress(FlowInvalid):  # one that is wrong is there, and cannot be started
            flow.check()
        return cls(
            name=flow.name,
            flow_id=flow_id_of(flow.name),
            title=flow.title,
            description=flow.description,
            version=flow.version,
            has_source=flow.source is not None,
            has_fold=flow.fold is not None,
            retries=flow.retry.retries,
            timeout=flow.timeout,
            roles=sorted(roles_for_flow(principal, found.access)),
        )


class DescribedFlow(FlowShape):
    """The same, with what is in it."""

    #: null: it is wrong, and cannot run
    graph: GraphShape | None = None
    #: the graph as a Mermaid flowchart
    mermaid: str | None = None
    #: what its actions need; `fanfold.action` says it
    needs: NeedsShape | None = None

    @classmethod
    def described(cls, found: Found, principal: Principal) -> DescribedFlow:
        flow = found.flow
        if not isinstance(flow, Flow):
            return cls.of(found, principal)
        try:
            graph = flow.graph  # which works out its version, too
        except FlowInvalid as error:
            log.error("api.flow", str(error))
            return cls.of(found, principal)
        more = {
            "graph": GraphShape.of(graph),
            "mermaid": flow.to_mermaid(),
            "needs": NeedsShape.of(actions_of(flow)),
        }
        return cls.of(found, principal).model_copy(update=more)


@router.get("", summary="List flows", responses=answers())
def find(asker: Asking) -> list[FlowShape]:
    """Those one may see, by name."""
    known = all_flows(asker.fanfold.ports, asker.fanfold.library)
    flows = [FlowShape.of(it.found, asker.principal) for it in known if it.found is not None]
    return [it for it in flows if Role.VIEWER in it.roles]


@router.get("/{name}", summary="Look at a flow", responses=answers(404))
def get(asker: Asking, name: str) -> DescribedFlow:
    """One of them, with its graph."""
    return DescribedFlow.described(asker.flow(Action.SEE_FLOW, name), asker.principal)
