"""The one door: from the settings to who knows whose token it is."""

from __future__ import annotations

import re
from typing import Protocol

from fanfold.domain.people import ALL, Principal
from fanfold.engines.system import SystemClock
from fanfold.errors import SettingsInvalid, Unauthenticated
from fanfold.identity.keys import Keys
from fanfold.identity.verifier import Claims, Verifier
from fanfold.ports import Clock
from fanfold.settings import Settings

#: what an e-mail address has only in quotes
_ODD = re.compile(r"[\s:\"<>,;]")
#: what a subject has that could be read as somebody else: an address, one that is told with its
#: issuer, or another one in a list
_MISTAKEN = re.compile(r"[@#\s,]")
#: everybody on a desk
LOCAL = Principal("local", is_admin=True)
#: as whom Fanfold itself asks, where nobody said who does (steps.create_batch, steps.start_batch)
_OWN = frozenset({LOCAL.identity, "request", "message"})


class Authenticator(Protocol):
    def principal_of(self, authorization: str | None) -> Principal:
        """Unauthenticated: the header says nobody, or not so that it can be believed. IssuerSilent:
        it cannot be told now. Any number of threads may ask at once."""
        ...


def authenticator(
    settings: Settings, *, clock: Clock | None = None, patience: float = 5.0
) -> Authenticator:
    """`patience`: how many seconds an issuer may take to tell its keys."""
    if settings.nobody_is_asked:
        return _Desk()
    if not settings.issuers:
        raise SettingsInvalid(
            "FANFOLD_AUTH is not set: name the issuer of the tokens, or `none` on a desk"
        )
    clock = clock or SystemClock()
    keys = {issuer: Keys(issuer, clock, patience=patience) for issuer in settings.issuers}
    return _Tokens(Verifier(keys, settings.audience, clock), settings)


def is_for_loopback_only(settings: Settings) -> bool:
    """Nobody is asked who they are: a server may listen to its own machine, and nowhere else."""
    return settings.nobody_is_asked


def has_verified_email(claims: Claims) -> bool:
    verified = claims.get("email_verified")
    email = claims.get("email")
    return (verified is True or verified == "true") and isinstance(email, str) and email != ""


class _Desk:
    def principal_of(self, authorization: str | None) -> Principal:  # noqa: ARG002 - asks nobody
        return LOCAL


class _Tokens:
    def __init__(self, verifier: Verifier, settings: Settings) -> None:
        self._verifier = verifier
        self._admins = settings.admin_people
        self._groups_claim = settings.groups_claim
        self._is_one_issuer = len(settings.issuers) == 1

    def principal_of(self, authorization: str | None) -> Principal:
        claims = self._verifier.claims_of(authorization)
        identity = self._identity(claims)
        groups = _groups(claims.get(self._groups_claim))
        admin = Principal(identity, groups).is_among(self._admins)
        return Principal(identity, groups, is_admin=admin)

    def _identity(self, claims: Claims) -> str:
        """An address that its issuer has verified names the same person whoever vouches for it. A
        subject is its issuer's own: so with several issuers, or where it looks like somebody else,
        it is told with its issuer (`https://login.example.com#ann`), as no address looks."""
        if has_verified_email(claims):
            email = str(claims["email"])
            if "@" not in email or _ODD.search(email):
                raise Unauthenticated("The token's e-mail is none that anybody would write.")
            return email
        subject = claims.get("sub")
        if not isinstance(subject, str) or not subject:
            raise Unauthenticated("The token says neither a subject nor a verified e-mail.")
        # where people are named these words mean others
        if subject.lower() == ALL or subject.lower().startswith("group:"):
            raise Unauthenticated("The token's subject is a word that names many.")
        if not self._is_one_issuer or subject in _OWN or _MISTAKEN.search(subject):
            return f"{claims['iss']}#{subject}"
        return subject


def _groups(claim: object) -> frozenset[str]:
    named = claim if isinstance(claim, list) else [claim]
    return frozenset(group for group in named if isinstance(group, str) and group)
