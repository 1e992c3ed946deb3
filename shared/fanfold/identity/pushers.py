"""Who may push to a function: the one service account that Pub/Sub was told to push as."""

from __future__ import annotations

from fanfold.engines.system import SystemClock
from fanfold.errors import Unauthenticated
from fanfold.identity.authenticator import has_verified_email
from fanfold.identity.keys import Keys
from fanfold.identity.verifier import Verifier


class Pushers:
    def __init__(self, account: str, audience: str, issuer: str) -> None:
        clock = SystemClock()
        self._account = account
        self._verifier = Verifier({issuer: Keys(issuer, clock)}, audience, clock)

    def admit(self, authorization: str | None) -> None:
        """Unauthenticated for anybody else, IssuerSilent where that cannot be told now."""
        claims = self._verifier.claims_of(authorization)
        if not has_verified_email(claims) or claims["email"] != self._account:
            raise Unauthenticated("The token is not of FANFOLD_PUSH_ACCOUNT.")
