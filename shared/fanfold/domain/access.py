"""Who may do what, as one table (the roles are domain.people's).

What one may not see is not there for them, so that nobody learns of it by asking; what one may see
and not do is forbidden.
"""

from __future__ import annotations

from enum import StrEnum

from fanfold.domain.batch import Batch
from fanfold.domain.people import CONTAINS, Access, Principal, Role
from fanfold.domain.registered import Registered
from fanfold.errors import BatchNotFound, FlowNotFound, Forbidden


class Action(StrEnum):
    SEE_FLOW = "see a flow"
    START = "start a batch or a run of it"
    SEE = "see a batch, its runs, results and events"
    HOLD = "pause, change, cancel, retry it, or say who may"


#: action → the role that it takes
NEEDS: dict[Action, Role] = {
    Action.SEE_FLOW: Role.VIEWER,
    Action.START: Role.STARTER,
    Action.SEE: Role.MONITOR,
    Action.HOLD: Role.MANAGER,
}


def roles_for_flow(principal: Principal, access: Access) -> frozenset[Role]:
    people = {
        Role.OWNER: (access.owner,),
        Role.MANAGER: access.managers,
        Role.MONITOR: access.monitors,
        Role.STARTER: access.starters,
        Role.VIEWER: access.viewers,
    }
    return _roles(principal, people)


def roles_for_batch(principal: Principal, batch: Batch, access: Access) -> frozenset[Role]:
    """`access`: that of its flow, as it is today."""
    people = {
        Role.OWNER: (batch.owner, access.owner),
        Role.MANAGER: (*batch.options.managers, *access.managers),
        Role.MONITOR: (*batch.options.monitors, *access.monitors),
    }
    return _roles(principal, people)


def may_edit(principal: Principal, flow: Registered) -> bool | None:
    """None: they may not know of it."""
    if principal.is_admin or principal.is_among((flow.owner, *flow.administrators)):
        return True
    return False if roles_for_flow(principal, flow.access) else None


def _roles(principal: Principal, people: dict[Role, tuple[str, ...]]) -> frozenset[Role]:
    if principal.is_admin:
        return CONTAINS[Role.OWNER]
    has = [CONTAINS[role] for role, its in people.items() if principal.is_among(its)]
    return frozenset().union(*has)


def may(principal: Principal, action: Action, batch: Batch, access: Access) -> bool:
    return NEEDS[action] in roles_for_batch(principal, batch, access)


def check_flow(principal: Principal, action: Action, name: str, access: Access) -> None:
    """Raises FlowNotFound for what they may not know of, Forbidden for what they may not do."""
    roles = roles_for_flow(principal, access)
    if Role.VIEWER not in roles:
        raise FlowNotFound(f"there is no flow named {name!r} here")
    if NEEDS[action] not in roles:
        raise Forbidden(f"{principal.identity} may see the flow {name!r}, and not start it")


def check_batch(principal: Principal, action: Action, batch: Batch, access: Access) -> None:
    """Raises BatchNotFound for what they may not know of, Forbidden for what they may not do."""
    roles = roles_for_batch(principal, batch, access)
    if Role.MONITOR not in roles:
        raise BatchNotFound(f"there is no batch {batch.id} here")
    if NEEDS[action] not in roles:
        raise Forbidden(
            f"{principal.identity} may look at {batch.id}, and not change it: its owner and its "
            "managers may"
        )
