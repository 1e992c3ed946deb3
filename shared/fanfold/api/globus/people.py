"""People as Globus names them, and as we do.

| there                              | here                                                      |
|------------------------------------|-----------------------------------------------------------|
| `urn:globus:auth:identity:UUID`    | the UUID: of whose identity it is, or stands for          |
| `urn:globus:groups:id:UUID`        | `group:UUID`                                              |
| `public`, `all_authenticated_users`| `all`: everybody whose identity is known                  |

Our own words are taken, too, and given back as they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field

from fanfold.domain.people import ALL, GROUP, uuid_of

_IDENTITY = "urn:globus:auth:identity:"
_GROUP = "urn:globus:groups:id:"
_EVERYBODY = ("public", "all_authenticated_users")


def person_of(text: str) -> str:
    """Raises ValueError."""
    if text in _EVERYBODY:
        return ALL
    for prefix, ours in ((_IDENTITY, ""), (_GROUP, GROUP)):
        if text.startswith(prefix):
            return ours + _uuid(text.removeprefix(prefix), text)
    if text.startswith("urn:"):
        raise _unrecognized(text)
    return text


#: in a request
Person = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(person_of)]


def urn_of(person: str, everybody: str = "all_authenticated_users") -> str:
    if person == ALL:
        return everybody
    group = person.startswith(GROUP)
    try:
        name = str(UUID(person.removeprefix(GROUP)))
    except ValueError:
        return person
    return f"{_GROUP if group else _IDENTITY}{name}"


def urns_of(people: Iterable[str], everybody: str = "all_authenticated_users") -> list[str]:
    return [urn_of(it, everybody) for it in people]


def owner_urn(identity: str) -> str | None:
    """Of an owner, whom no client sends back: always one that it can render. None: nobody's."""
    return f"{_IDENTITY}{uuid_of(identity)}" if identity else None


def parted(people: Iterable[str]) -> tuple[list[str], list[str]]:
    """Identities, and groups by their bare names."""
    identities, groups = [], []
    for it in people:
        if it.startswith(GROUP):
            groups.append(it.removeprefix(GROUP))
        else:
            identities.append(urn_of(it))
    return identities, groups


def _uuid(text: str, whole: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise _unrecognized(whole) from None


def _unrecognized(text: str) -> ValueError:
    return ValueError(
        f"Unrecognized principal string: {text!r}. It is {_IDENTITY}UUID, {_GROUP}UUID, "
        "an identity as its issuer has it, group:NAME or all"
    )
