"""People: who asks, the roles there are, and who has them for a flow.

A principal is who asks: an identity, and the groups it is in. People are named in the same words:
an identity as its issuer has it (`ann@example.com`) or the UUID that stands for it (`uuid_of`),
`group:NAME`, or `all` for everybody whose identity is known.

| role    | of a flow                                  | of a batch, and the runs in it           |
|---------|--------------------------------------------|------------------------------------------|
| viewer  | sees it                                    |                                          |
| starter | sees it and starts batches of it           |                                          |
| monitor | sees it and all batches of it              | sees it, its runs and results            |
| manager | sees it, sees and holds all batches of it  | pauses, changes, cancels, retries it too |
| owner   | all of that                                | who started it; the same as a manager    |

Who has a role has those it contains. It is what a flow's author writes, so nothing heavy is loaded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from uuid import UUID, uuid5

#: everybody whose identity is known
ALL = "all"
GROUP = "group:"
_UUID_LENGTH = 36
_IDENTITIES = UUID("0c1d6f0a-8f5b-5c9e-9a57-6d0f2b7e4c11")


@lru_cache(maxsize=4096)
def uuid_of(identity: str) -> str:
    """For those who know people by UUIDs: itself if it is one, else one that is made of it."""
    try:
        return str(UUID(identity))
    except ValueError:
        return str(uuid5(_IDENTITIES, identity))


@dataclass(frozen=True, slots=True)
class Principal:
    identity: str
    groups: frozenset[str] = frozenset()
    #: may do everything: who runs the deployment, and everybody on a desk
    is_admin: bool = False

    def is_among(self, people: Iterable[str]) -> bool:
        return any(self._is(person) for person in people)

    def _is(self, person: str) -> bool:
        if person.startswith(GROUP):
            return person.removeprefix(GROUP) in self.groups
        if person in (ALL, self.identity):
            return person != ""
        return len(person) == _UUID_LENGTH and person == uuid_of(self.identity)


class Role(StrEnum):
    VIEWER = "viewer"
    STARTER = "starter"
    MONITOR = "monitor"
    MANAGER = "manager"
    OWNER = "owner"


#: role → those it contains, itself included
CONTAINS: dict[Role, frozenset[Role]] = {
    Role.VIEWER: frozenset({Role.VIEWER}),
    Role.STARTER: frozenset({Role.STARTER, Role.VIEWER}),
    Role.MONITOR: frozenset({Role.MONITOR, Role.VIEWER}),
    Role.MANAGER: frozenset({Role.MANAGER, Role.MONITOR, Role.VIEWER}),
    Role.OWNER: frozenset(Role),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may do what with a flow and with all of its batches: `@flow(access=Access(…))`. Without
    it everybody may start it, and each has their own batches."""

    owner: str = ""
    viewers: tuple[str, ...] = ()
    starters: tuple[str, ...] = (ALL,)
    monitors: tuple[str, ...] = ()
    managers: tuple[str, ...] = ()


OPEN_TO_ALL = Access()
