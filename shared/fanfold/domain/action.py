"""An action: a function that does one thing with a service, made to be a node of many graphs.

It says what whoever runs it needs: the provider is the service it calls, the scopes are the OAuth
scopes that its credentials need there, the roles are the IAM roles that the account it runs as
needs. Nothing is granted by saying so: it is what one reads before one grants.

The function is marked, and otherwise left as it is: it is called, tested and typed as before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from fanfold.domain.flow import FLOW_NAME, Flow
from fanfold.domain.people import OPEN_TO_ALL, Access
from fanfold.errors import FlowInvalid

_MARK = "__fanfold_action__"
_PROVIDER = re.compile(r"^[a-z][a-z0-9_.-]{0,99}$")
#: RFC 6749: what is printed, without blanks, quotes and backslashes
_SCOPE = re.compile(r"^[\x21\x23-\x5b\x5d-\x7e]{1,500}$")
_ROLE = re.compile(r"^(?:(?:projects|organizations)/[a-z0-9.:-]+/)?roles/[A-Za-z0-9_.]{1,100}$")


@dataclass(frozen=True, slots=True)
class Action:
    """What is said of it. Raises FlowInvalid for what cannot be."""

    id: str
    title: str
    description: str
    #: the service it calls
    provider: str
    #: the OAuth scopes that its credentials need there
    scopes: tuple[str, ...] = ()
    #: the IAM roles that whatever runs it needs
    roles: tuple[str, ...] = ()
    #: who may see it, over the network
    access: Access = OPEN_TO_ALL

    def __post_init__(self) -> None:
        if not FLOW_NAME.fullmatch(self.id):
            raise FlowInvalid(
                f"{self.id!r} cannot be an action's id: letters, digits, `_`, `.` and `-`, "
                "beginning with a letter. Give it one: @action(id=…)"
            )
        if not isinstance(self.provider, str) or not _PROVIDER.fullmatch(self.provider):
            raise FlowInvalid(
                f"action {self.id}: provider is the name of a service, in small letters, as in "
                f'"slack", not {self.provider!r}'
            )
        self._check("scopes", self.scopes, _SCOPE, "chat:write")
        self._check("roles", self.roles, _ROLE, "roles/pubsub.publisher")

    def _check(self, name: str, values: object, form: re.Pattern[str], example: str) -> None:
        if not isinstance(values, tuple):
            raise FlowInvalid(
                f"action {self.id}: {name} is a list of texts, as in [{example!r}], not {values!r}"
            )
        for it in values:
            if not isinstance(it, str) or not form.fullmatch(it):
                raise FlowInvalid(
                    f"action {self.id}: {it!r} is none of its {name}: as in {example!r}"
                )


def mark(fn: Callable[..., Any], action: Action) -> None:
    """Raises FlowInvalid for what takes no mark, as functions of C do."""
    if isinstance(fn, Flow):
        raise FlowInvalid(f"action {action.id}: put @action beneath @flow, next to the function")
    try:
        hash(fn)  # what is worked out of its annotations is kept by it
        setattr(fn, _MARK, action)
    except (AttributeError, TypeError):
        raise FlowInvalid(
            f"action {action.id}: {fn!r} cannot be marked. Put a function around it"
        ) from None


def action_of(fn: object) -> Action | None:
    """What a function was said to be; of a flow, its function."""
    found = getattr(fn.fn if isinstance(fn, Flow) else fn, "__dict__", {}).get(_MARK)
    return found if isinstance(found, Action) else None


@dataclass(frozen=True, slots=True)
class Provider:
    """A service, and what is needed there."""

    provider: str
    scopes: tuple[str, ...]
    #: the ids of the actions that call it
    actions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NeededRole:
    """An IAM role, and the ids of the actions that need it."""

    role: str
    actions: tuple[str, ...]


def providers_of(actions: Iterable[Action]) -> list[Provider]:
    """By name."""
    by_name: dict[str, list[Action]] = {}
    for action in actions:
        by_name.setdefault(action.provider, []).append(action)
    return [
        Provider(
            name, _each(scope for it in its for scope in it.scopes), _each(it.id for it in its)
        )
        for name, its in sorted(by_name.items())
    ]


def roles_of(actions: Iterable[Action]) -> list[NeededRole]:
    """By name: what to grant to whatever runs these actions."""
    by_role: dict[str, list[str]] = {}
    for action in actions:
        for role in action.roles:
            by_role.setdefault(role, []).append(action.id)
    return [NeededRole(role, _each(ids)) for role, ids in sorted(by_role.items())]


def _each(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(texts)))
