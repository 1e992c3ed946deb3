"""Which roles, in this dialect's words, somebody has; the highest first."""

from __future__ import annotations

from fanfold.domain.batch import Batch
from fanfold.domain.people import Access, Principal
from fanfold.domain.registered import Registered

FLOW_ROLES = (
    *("flow_owner", "flow_administrator", "flow_starter", "flow_viewer"),
    *("run_manager", "run_monitor"),
)
RUN_ROLES = ("run_owner", "run_manager", "run_monitor", "flow_run_manager", "flow_run_monitor")


def flow_roles(principal: Principal, access: Access, it: Registered | None) -> list[str]:
    """`it`: of a flow that is registered. Whoever runs the deployment may do all that an
    administrator may."""
    has = {
        "flow_owner": principal.is_among((access.owner,)),
        "flow_administrator": principal.is_admin
        or (it is not None and principal.is_among(it.administrators)),
        "flow_starter": principal.is_admin or principal.is_among(access.starters),
        "flow_viewer": principal.is_admin or principal.is_among(access.viewers),
        "run_manager": principal.is_among(access.managers),
        "run_monitor": principal.is_among(access.monitors),
    }
    return [role for role in FLOW_ROLES if has[role]]


def run_roles(principal: Principal, batch: Batch, access: Access) -> list[str]:
    """`access`: of its flow."""
    options = batch.options
    has = {
        "run_owner": principal.is_among((batch.owner,)),
        "run_manager": principal.is_admin or principal.is_among(options.managers),
        "run_monitor": principal.is_among(options.monitors),
        "flow_run_manager": principal.is_among((access.owner, *access.managers)),
        "flow_run_monitor": principal.is_among(access.monitors),
    }
    return [role for role in RUN_ROLES if has[role]]
