"""Who asks: from the bearer token of a request to a `Principal`, or to an `Unauthenticated`.

authenticator  the one door: the settings → who knows whose token it is
verifier       a token → its claims, all of which hold
keys           an issuer's published keys, asked for no more often than is good for it
asking         one question to an issuer, bounded in time and size
pushers        who may push to a function
"""

from fanfold.identity.authenticator import (
    Authenticator,
    authenticator,
    is_for_loopback_only,
)

__all__ = ["Authenticator", "authenticator", "is_for_loopback_only"]
