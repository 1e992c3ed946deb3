"""The one door: from the settings to who knows whose token it is."""

from __future__ import annotations

from typing import Protocol

from fanfold.domain.people import ALL, Principal
from fanfold.engines.system import SystemClock
from fanfold.errors import SettingsInvalid, Unauthenticated
from fanfold.identity.keys import Keys
from fanfold.identity.verifier import Claims, Verifier
from fanfold.ports import Clock
from fanfold.settings import Settings

#: everybody on a desk
LOCAL = Principal("local", is_admin=True)


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

    def principal_of(self, authorization: str | None) -> Principal:
        claims = self._verifier.claims_of(authorization)
        identity = _identity(claims)
        groups = _groups(claims.get(self._groups_claim))
        admin = Principal(identity, groups).is_among(self._admins)
        return Principal(identity, groups, is_admin=admin)


def _identity(claims: Claims) -> str:
    identity = claims["email"] if has_verified_email(claims) else claims.get("sub")
    if not isinstance(identity, str) or not identity:
        raise Unauthenticated("The token says neither a subject nor a verified e-mail.")
    # where people are named these words mean others
    if identity == ALL or identity.startswith("group:"):
        raise Unauthenticated("The token's subject is a word that names many.")
    return identity


def _groups(claim: object) -> frozenset[str]:
    named = claim if isinstance(claim, list) else [claim]
    return frozenset(group for group in named if isinstance(group, str) and group)
