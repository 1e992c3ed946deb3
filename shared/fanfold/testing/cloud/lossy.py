"""A wire that loses: real services behind it, and calls that go wrong by chance.

    open_clients(firestore, pubsub, [LossyWire(seed=7)])

| call        | may                                                                   |
|-------------|-----------------------------------------------------------------------|
| Commit      | be refused, as when others want the same documents; be done, and lose |
|             | its reply                                                             |
| Publish     | be done twice; be done, and lose its reply, so that it is done again  |
| Acknowledge | not arrive, though it seems to: the message is delivered again        |
| reads       | not be answered                                                       |
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from threading import Lock
from typing import Any

import grpc
from google.pubsub_v1 import types as pubsub


class LostReply(grpc.RpcError):
    """As the client library has it from the wire."""

    def __init__(self, status: grpc.StatusCode) -> None:
        super().__init__()
        self._status = status

    def code(self) -> grpc.StatusCode:
        return self._status

    def details(self) -> str:
        return "injected by a test"

    def trailing_metadata(self) -> tuple[()]:
        return ()


class LossyWire(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    def __init__(self, seed: int, chance: float = 0.05) -> None:
        self._random = random.Random(seed)
        self._chance = chance
        self._lock = Lock()
        #: what was done to calls, by name
        self.struck: Counter[str] = Counter()

    def intercept_unary_unary(
        self, proceed: Callable[[Any, Any], Any], call: Any, request: Any
    ) -> Any:
        match _method(call):
            case "Commit":
                if self._strikes("commit refused"):
                    raise LostReply(grpc.StatusCode.ABORTED)
                return self._maybe_lost("commit's reply lost", proceed(call, request))
            case "Publish":
                if self._strikes("published twice"):
                    proceed(call, request).result()
                return self._maybe_lost("publish's reply lost", proceed(call, request))
            case "Acknowledge" if self._strikes("ack lost"):
                nothing = pubsub.AcknowledgeRequest.pb(request)
                return proceed(
                    call,
                    pubsub.AcknowledgeRequest(
                        subscription=nothing.subscription, ack_ids=nothing.ack_ids[:1]
                    ),
                )
            case _:
                return proceed(call, request)

    def intercept_unary_stream(
        self, proceed: Callable[[Any, Any], Any], call: Any, request: Any
    ) -> Any:
        if self._strikes("read not answered"):
            raise LostReply(grpc.StatusCode.UNAVAILABLE)
        return proceed(call, request)

    def _maybe_lost(self, name: str, outcome: Any) -> Any:
        if outcome.exception() is None and self._strikes(name):
            raise LostReply(grpc.StatusCode.UNAVAILABLE)
        return outcome

    def _strikes(self, name: str) -> bool:
        with self._lock:
            strikes = self._random.random() < self._chance
            self.struck[name] += strikes
            return strikes


def _method(call: Any) -> str:
    name: str = call.method if isinstance(call.method, str) else call.method.decode()
    return name.rpartition("/")[2]
