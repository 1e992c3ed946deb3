"""One question to an issuer, bounded in time and in size."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx

from fanfold.errors import IssuerSilent
from fanfold.settings import may_be_asked

_LARGEST = 1 << 20


def keys_published_by(issuer: str, patience: float) -> list[Any]:
    """The entries of its key set, within `patience` seconds, or IssuerSilent."""
    until = time.monotonic() + patience
    about = _ask(issuer.rstrip("/") + "/.well-known/openid-configuration", issuer, until)
    if about.get("issuer") != issuer:
        raise IssuerSilent(f"{issuer} answers as another issuer. Is FANFOLD_AUTH spelled as it is?")
    place = about.get("jwks_uri")
    if not isinstance(place, str) or not may_be_asked(place):
        raise IssuerSilent(f"{issuer} names no https:// address of its keys")
    keys = _ask(place, issuer, until).get("keys")
    if not isinstance(keys, list):
        raise IssuerSilent(f"{issuer} publishes no keys")
    return keys


def _ask(url: str, issuer: str, until: float) -> dict[str, Any]:
    try:
        answer = json.loads(_read(url, until))
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, RecursionError, TimeoutError) as error:
        raise IssuerSilent(
            f"{issuer} does not answer as an issuer does ({type(error).__name__}). Try again."
        ) from error
    if not isinstance(answer, dict):
        raise IssuerSilent(f"{issuer} does not answer as an issuer does. Try again.")
    return answer


def _read(url: str, until: float) -> bytes:
    # the limit of httpx is for each step: who drips a byte at a time would hold us for ever
    step = max(until - time.monotonic(), 0.001)
    got = bytearray()
    with httpx.stream("GET", url, timeout=step, follow_redirects=False) as response:
        if response.status_code != httpx.codes.OK:
            raise httpx.HTTPError(f"status {response.status_code}")
        for piece in response.iter_bytes():
            got += piece
            if len(got) > _LARGEST:
                raise ValueError("it is too long")
            if time.monotonic() > until:
                raise TimeoutError
    return bytes(got)
