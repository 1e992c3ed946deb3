"""What goes wrong on the way, or in the cloud: seeded, by method, at the nth call or by chance.

The method of a message that is posted to a function is "Push". What is refused there is not
delivered, and counts as an attempt; what has no reply was delivered, and comes again.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, Literal

import grpc

from fanfold.testing.cloud.refusal import Refusal

Kind = Literal[
    "lost-reply",  # it is done, and the caller hears UNAVAILABLE
    "unavailable",  # it is not done, and the caller hears the same
    "aborted",
    "refused",  # INVALID_ARGUMENT
    "exhausted",  # RESOURCE_EXHAUSTED
    "denied",  # PERMISSION_DENIED
    "delay",  # it is done `seconds` later
    "duplicate",  # what a Pull delivers is delivered once more; a Push twice at the same time
    "reorder",  # a Pull takes from anywhere, not from the front; a Push lets others go before
]

#: what is answered instead of doing it
_REFUSALS: dict[str, grpc.StatusCode] = {
    "unavailable": grpc.StatusCode.UNAVAILABLE,
    "aborted": grpc.StatusCode.ABORTED,
    "refused": grpc.StatusCode.INVALID_ARGUMENT,
    "exhausted": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "denied": grpc.StatusCode.PERMISSION_DENIED,
}


@dataclass(slots=True)
class Fault:
    """With neither `nth` nor `probability` it strikes each time."""

    #: as in the service's definition: "Commit", "Pull"; or "Push"
    method: str
    kind: Kind
    #: at which call that concerns it, from 1
    nth: int | None = None
    probability: float | None = None
    #: strikes no more after so many
    times: int | None = None
    #: only requests in which this occurs, such as a document's path, or a subscription's
    touching: str = ""
    #: of a delay
    seconds: float = 0.0
    calls: int = 0
    struck: int = 0


@dataclass(frozen=True, slots=True)
class Strikes:
    """What strikes one call."""

    faults: Sequence[Fault]

    def __contains__(self, kind: Kind) -> bool:
        return any(fault.kind == kind for fault in self.faults)

    def before(self) -> None:
        for fault in self.faults:
            time.sleep(fault.seconds)
            if code := _REFUSALS.get(fault.kind):
                raise Refusal(code, f"injected: {fault.kind}")

    def after(self) -> None:
        if "lost-reply" in self:
            raise Refusal(grpc.StatusCode.UNAVAILABLE, "injected: lost-reply")


class Faults:
    def __init__(self, seed: int = 0) -> None:
        self.random = random.Random(seed)
        self._lock = Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def strike(self, method: str, request: Any) -> Strikes:
        with self._lock:
            concerned = [fault for fault in self._faults if fault.method == method]
            return Strikes([it for it in concerned if self._strikes(it, request)])

    def _strikes(self, fault: Fault, request: Any) -> bool:
        if fault.touching and fault.touching.encode() not in request.SerializeToString():
            return False
        fault.calls += 1
        if fault.times is not None and fault.struck >= fault.times:
            return False
        if fault.nth is not None:
            strikes = fault.calls == fault.nth
        elif fault.probability is not None:
            strikes = self.random.random() < fault.probability
        else:
            strikes = True
        fault.struck += strikes
        return strikes
