"""An issuer's published keys, kept; asked for again when a token names one that is not among them.

Whoever sends tokens chooses the names of keys in them. So once the issuer was asked in vain, for a
name that it does not publish either or because it does not answer, it is left alone for `between`
seconds, whatever names come. A key that it has begun to use since is found at once otherwise. A key
is used until it has been missing from an answer, which is asked for
every `refresh` seconds, or until none has come for `lasts` seconds.
"""

from __future__ import annotations

from threading import Lock
from typing import Any

from jwt import PyJWK
from jwt.exceptions import PyJWTError

from fanfold.errors import IssuerSilent, Unauthenticated
from fanfold.identity.asking import keys_published_by
from fanfold.ports import Clock

#: what a token may be signed with → the kind of key, and its curve where it has one
ALGORITHMS: dict[str, tuple[str, str | None]] = {
    "RS256": ("RSA", None),
    "RS384": ("RSA", None),
    "RS512": ("RSA", None),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "EdDSA": ("OKP", "Ed25519"),
}
#: name of a key, or its position where it has none → algorithm → the key as that algorithm has it
_Known = dict[str | int, dict[str, PyJWK]]


class Keys:
    def __init__(
        self,
        issuer: str,
        clock: Clock,
        *,
        between: float = 30.0,
        refresh: float = 600.0,
        lasts: float = 86_400.0,
        patience: float = 5.0,
    ) -> None:
        self._issuer = issuer
        self._clock = clock
        self._between = between
        self._refresh = refresh
        self._lasts = lasts
        self._patience = patience
        self._asking = Lock()
        self._known: _Known = {}
        self._in_vain: float | None = None
        self._answered: float | None = None
        self._silence: IssuerSilent | None = None

    def key(self, name: str | None, algorithm: str) -> PyJWK:
        """`name` None: the one of this algorithm, if there is one alone. IssuerSilent where the
        issuer would have to be asked and does not answer."""
        key = self._find(name, algorithm)
        if key is None or self._age() >= self._refresh:
            self._ask_if_it_is_time(name, algorithm)
            key = self._find(name, algorithm)
        if key is not None and self._age() < self._lasts:
            return key
        if self._silence is not None:
            raise IssuerSilent(str(self._silence))
        if name is None:
            raise Unauthenticated(
                "The token does not name its key, and its issuer has not just one."
            )
        raise Unauthenticated("The token is signed with a key that its issuer does not publish.")

    def _find(self, name: str | None, algorithm: str) -> PyJWK | None:
        known = self._known
        if name is not None:
            return known.get(name, {}).get(algorithm)
        fitting = [keys[algorithm] for keys in known.values() if algorithm in keys]
        return fitting[0] if len(fitting) == 1 else None

    def _age(self) -> float:
        """Seconds since the last answer."""
        return float("inf") if self._answered is None else self._clock.now() - self._answered

    def _ask_if_it_is_time(self, name: str | None, algorithm: str) -> None:
        with self._asking:
            now = self._clock.now()
            if self._in_vain is not None and now - self._in_vain < self._between:
                return
            if self._answered == now and self._find(name, algorithm) is not None:
                return  # somebody else has asked meanwhile
            try:
                self._known = _usable(keys_published_by(self._issuer, self._patience))
            except IssuerSilent as silence:
                self._silence = silence
                self._in_vain = now
            else:
                self._silence = None
                self._answered = now
                self._in_vain = None if self._find(name, algorithm) is not None else now


def _usable(published: list[Any]) -> _Known:
    known: _Known = {}
    for position, entry in enumerate(published):
        if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
            continue
        name = entry.get("kid", position)
        if not isinstance(name, str) and name is not position:
            continue
        for algorithm, (kind, curve) in ALGORITHMS.items():
            if entry.get("kty") != kind or entry.get("alg", algorithm) != algorithm:
                continue
            if curve is not None and entry.get("crv") != curve:
                continue
            try:
                known.setdefault(name, {})[algorithm] = PyJWK(entry, algorithm)
            except (PyJWTError, ValueError, TypeError):
                continue  # of a form we do not know: the others may do
    return known
