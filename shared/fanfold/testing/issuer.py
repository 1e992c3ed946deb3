"""An issuer of tokens on this machine, with real keys: for tests of whatever takes them.

with running_issuer() as issuer:
    issuer.token(sub="ann", aud="fanfold", groups=["ops"])
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

_Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


class Issuer:
    def __init__(self, url: str, now: Callable[[], float]) -> None:
        self.url = url
        #: path → how often it was asked for
        self.asked: Counter[str] = Counter()
        #: while it is cleared, answers wait
        self.answers = Event()
        self.answers.set()
        #: what it answers with; anything but 200 is an issuer out of order
        self.status = 200
        #: what it calls itself in its discovery document
        self.name = url
        #: whether the keys that it publishes have names
        self.names_keys = True
        self._now = now
        self._drawn = 0
        self.keys: dict[str, tuple[str, _Private]] = {}
        self.rotate()

    def rotate(self, algorithm: str = "RS256", *, keep: bool = False) -> str:
        """A new key, the name of which it returns; the others are no longer published."""
        self._drawn += 1
        name = f"key-{self._drawn}"
        others = self.keys if keep else {}
        self.keys = {**others, name: (algorithm, new_key(algorithm))}
        return name

    def token(
        self,
        *,
        sub: str | None = "ann",
        aud: str | Sequence[str] = "fanfold",
        groups: Sequence[str] | None = None,
        email: str | None = None,
        email_verified: bool | str = True,
        expires: float = 3600.0,
        kid: str | None = None,
        key: _Private | None = None,
        **claims: Any,
    ) -> str:
        """`expires`: in how many seconds. `kid` empty: it does not name its key. Other claims are
        added as they are, or put in place of the issuer's own."""
        name = kid or next(reversed(self.keys))
        known = self.keys.get(name) or next(iter(self.keys.values()))
        algorithm = known[0]
        now = self._now()
        said: dict[str, Any] = {"iss": self.url, "aud": aud, "iat": now, "exp": now + expires}
        said |= {"sub": sub} if sub is not None else {}
        said |= {"groups": list(groups)} if groups is not None else {}
        said |= {"email": email, "email_verified": email_verified} if email is not None else {}
        return jwt.encode(
            said | claims, key or known[1], algorithm, {} if kid == "" else {"kid": name}
        )

    def _published(self, name: str, entry: tuple[str, _Private]) -> dict[str, Any]:
        said = _published(name, entry)
        return said if self.names_keys else {it: said[it] for it in said if it != "kid"}

    def document(self, path: str) -> dict[str, Any] | None:
        if path == "/.well-known/openid-configuration":
            return {"issuer": self.name, "jwks_uri": f"{self.url}/keys"}
        return (
            {"keys": [self._published(*entry) for entry in self.keys.items()]}
            if path == "/keys"
            else None
        )


@contextmanager
def running_issuer(now: Callable[[], float] = time.time) -> Iterator[Issuer]:
    server = _Server(("127.0.0.1", 0), _Door)
    issuer = server.issuer = Issuer(f"http://127.0.0.1:{server.server_port}", now)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        issuer.answers.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    issuer: Issuer


class _Door(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, _Server)
        issuer = self.server.issuer
        issuer.asked[self.path] += 1
        issuer.answers.wait()
        document = issuer.document(self.path)
        body = json.dumps(document).encode()
        try:
            self.send_response(issuer.status if document is not None else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except ConnectionError:
            return  # who asked did not wait

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its base names it so
        """A test reads its own output."""


def new_key(algorithm: str) -> _Private:
    if algorithm.startswith("RS"):
        return rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(ec.SECP256R1() if algorithm == "ES256" else ec.SECP384R1())


def _published(name: str, entry: tuple[str, _Private]) -> dict[str, Any]:
    algorithm, key = entry
    if isinstance(key, rsa.RSAPrivateKey):
        said = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        said = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    else:
        said = OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**said, "kid": name, "alg": algorithm, "use": "sig"}
