"""A token → its claims: of an issuer that is configured, signed by it, for us, and of now."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from jwt.api_jws import PyJWS
from jwt.exceptions import PyJWTError

from fanfold.errors import Unauthenticated
from fanfold.identity.keys import ALGORITHMS, Keys
from fanfold.ports import Clock

#: how far clocks may be apart, in seconds
LEEWAY = 60.0
#: a header that is longer is not looked into
LONGEST = 16_384
Claims = dict[str, Any]


class Verifier:
    def __init__(self, issuers: Mapping[str, Keys], audience: str, clock: Clock) -> None:
        """Without an audience, tokens for anybody are taken."""
        self._issuers = issuers
        self._audience = audience
        self._clock = clock
        self._signatures = PyJWS(algorithms=list(ALGORITHMS))

    def claims_of(self, authorization: str | None) -> Claims:
        """Unauthenticated says what is wrong, and nothing of the token."""
        token = _token_in(authorization)
        header, claims = self._read(token)
        algorithm, name = header.get("alg"), header.get("kid")
        if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
            raise Unauthenticated(f"The token is not signed with one of {', '.join(ALGORITHMS)}.")
        if "crit" in header or not (name is None or isinstance(name, str)):
            raise Unauthenticated("The token's header asks for what is not known here.")
        issuer = claims.get("iss")
        if not isinstance(issuer, str) or issuer not in self._issuers:
            raise Unauthenticated("The token's issuer is none that is configured here.")
        key = self._issuers[issuer].key(name, algorithm)
        try:
            self._signatures.decode(token, key, algorithms=[algorithm])
        except (PyJWTError, ValueError, TypeError):
            raise Unauthenticated("The token's signature is not its issuer's.") from None
        self._check_audience(claims.get("aud"))
        self._check_times(claims)
        return claims

    def _read(self, token: str) -> tuple[Claims, Claims]:
        """What it says, not believed yet."""
        try:
            parts = self._signatures.decode_complete(token, options={"verify_signature": False})
            header, claims = parts["header"], json.loads(parts["payload"])
        except (PyJWTError, ValueError, TypeError, RecursionError):
            raise Unauthenticated("The bearer token is not a JSON Web Token.") from None
        if not isinstance(claims, dict):
            raise Unauthenticated("The bearer token is not a JSON Web Token.")
        return header, claims

    def _check_audience(self, meant_for: object) -> None:
        if not self._audience:
            return
        named = meant_for if isinstance(meant_for, list) else [meant_for]
        if self._audience not in named:
            raise Unauthenticated("The token is meant for another audience.")

    def _check_times(self, claims: Claims) -> None:
        now = self._clock.now()
        if "exp" not in claims or now >= _moment(claims, "exp") + LEEWAY:
            raise Unauthenticated("The token has expired. Ask its issuer for a new one.")
        for name in ("nbf", "iat"):
            if name in claims and _moment(claims, name) > now + LEEWAY:
                raise Unauthenticated("The token is not valid yet. Are the clocks right?")


def _token_in(authorization: str | None) -> str:
    if not authorization:
        raise Unauthenticated
    if len(authorization) > LONGEST:
        raise Unauthenticated(f"The authorization is longer than {LONGEST} characters.")
    words = authorization.split()
    if len(words) != 2 or words[0].lower() != "bearer" or "," in words[1]:
        raise Unauthenticated("The authorization is not `Bearer` and one token.")
    return words[1]


def _moment(claims: Claims, name: str) -> float:
    value = claims[name]
    # NaN is neither before nor after: it would never expire, and is not less than this either
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15:
        return float(value)
    raise Unauthenticated(f"The token's {name} is not a moment.")
