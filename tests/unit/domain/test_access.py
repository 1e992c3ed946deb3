"""Who may do what, as one table of roles and actions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fanfold.domain.access import (
    NEEDS,
    Action,
    check_batch,
    check_flow,
    roles_for_batch,
    roles_for_flow,
)
from fanfold.domain.batch import Batch
from fanfold.domain.flow import FlowRef
from fanfold.domain.options import BatchOptions
from fanfold.domain.people import ALL, Access, Principal, Role
from fanfold.domain.source import Source
from fanfold.errors import BatchNotFound, FlowNotFound, Forbidden

ANN = Principal("ann@example.com", frozenset({"editors"}))
BOB = Principal("bob@example.com")
ADMIN = Principal("root@example.com", is_admin=True)
CLOSED = Access(starters=())
BATCH = Batch(
    id="batch-aaaaaaaaaaaaaaaa",
    flow=FlowRef("shout", "1", "flows:shout"),
    source=Source("blob", "records"),
    options=BatchOptions(),
    request_digest="",
    created_at=0.0,
)


def batch(owner: str = "", **people: list[str]) -> Batch:
    return replace(BATCH, owner=owner, options=BatchOptions(**people))  # type: ignore[arg-type]


#: what somebody is, and which of the actions on a flow they may do; None: it is not there for them
FLOWS = {
    "nobody": (CLOSED, None),
    "viewer": (Access(starters=(), viewers=("ann@example.com",)), {Action.SEE_FLOW}),
    "starter": (Access(starters=("group:editors",)), {Action.SEE_FLOW, Action.START}),
    "monitor": (Access(starters=(), monitors=("ann@example.com",)), {Action.SEE_FLOW}),
    "manager": (Access(starters=(), managers=("group:editors",)), {Action.SEE_FLOW}),
    "owner": (Access(starters=(), owner="ann@example.com"), {Action.SEE_FLOW, Action.START}),
    "everybody": (Access(), {Action.SEE_FLOW, Action.START}),
}


@pytest.mark.parametrize("role", FLOWS)
@pytest.mark.parametrize("action", [Action.SEE_FLOW, Action.START])
def test_what_a_role_may_do_with_a_flow(role: str, action: Action) -> None:
    access, allowed = FLOWS[role]
    if allowed is None:
        with pytest.raises(FlowNotFound):
            check_flow(ANN, action, "shout", access)
    elif action in allowed:
        check_flow(ANN, action, "shout", access)
    else:
        with pytest.raises(Forbidden, match="may see the flow"):
            check_flow(ANN, action, "shout", access)


BATCHES = {
    "nobody": (batch("bob@example.com"), CLOSED, None),
    "who may start it": (batch("bob@example.com"), Access(), None),
    "owner": (batch("ann@example.com"), CLOSED, {Action.SEE, Action.HOLD}),
    "manager": (batch(managers=["ann@example.com"]), CLOSED, {Action.SEE, Action.HOLD}),
    "of a managing group": (batch(managers=["group:editors"]), CLOSED, {Action.SEE, Action.HOLD}),
    "monitor": (batch(monitors=["group:editors"]), CLOSED, {Action.SEE}),
    "everybody": (batch(monitors=[ALL]), CLOSED, {Action.SEE}),
    "monitor of the flow": (batch(), Access(monitors=("ann@example.com",)), {Action.SEE}),
    "manager of the flow": (
        batch(),
        Access(managers=("group:editors",)),
        {Action.SEE, Action.HOLD},
    ),
    "owner of the flow": (batch(), Access(owner="ann@example.com"), {Action.SEE, Action.HOLD}),
}


@pytest.mark.parametrize("role", BATCHES)
@pytest.mark.parametrize("action", [Action.SEE, Action.HOLD])
def test_what_a_role_may_do_with_a_batch(role: str, action: Action) -> None:
    of, access, allowed = BATCHES[role]
    if allowed is None:
        with pytest.raises(BatchNotFound):
            check_batch(ANN, action, of, access)
    elif action in allowed:
        check_batch(ANN, action, of, access)
    else:
        with pytest.raises(Forbidden, match="may look at"):
            check_batch(ANN, action, of, access)


def test_an_admin_may_do_everything() -> None:
    for action in (Action.SEE_FLOW, Action.START):
        check_flow(ADMIN, action, "shout", CLOSED)
    for action in (Action.SEE, Action.HOLD):
        check_batch(ADMIN, action, batch("bob@example.com"), CLOSED)


def test_a_batch_of_nobody_is_nobody_s() -> None:
    """As those are that were started on the command line."""
    assert roles_for_batch(Principal(""), batch(), CLOSED) == frozenset()
    assert roles_for_flow(Principal(""), CLOSED) == frozenset()


def test_a_group_is_no_identity_and_an_identity_no_group() -> None:
    of = batch(managers=["group:editors"])
    assert roles_for_batch(Principal("editors"), of, CLOSED) == frozenset()
    assert roles_for_batch(Principal("group:editors"), of, CLOSED) == frozenset()
    assert roles_for_batch(BOB, batch(managers=["bob"]), CLOSED) == frozenset()


def test_every_action_takes_a_role_and_every_role_is_good_for_something() -> None:
    assert set(NEEDS) == set(Action)
    assert set(NEEDS.values()) == set(Role) - {Role.OWNER}, "an owner has what a manager has"
