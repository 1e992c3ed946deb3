"""One call, as a service sees it, and one method, as the server does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc

from fanfold.testing.cloud.faults import Strikes


@dataclass(frozen=True, slots=True)
class Call:
    context: grpc.ServicerContext
    strikes: Strikes

    @property
    def patience(self) -> float:
        """The seconds that the caller will still wait."""
        left: float | None = self.context.time_remaining()
        return 600.0 if left is None else left

    @property
    def is_alive(self) -> bool:
        alive: bool = self.context.is_active()
        return alive


@dataclass(frozen=True, slots=True)
class Method:
    request: Any
    #: returns the response, or a list of them when it is streamed
    answer: Callable[[Any, Call], Any]
    streamed: bool = False
    #: what an abort of it leaves behind, besides the answer
    abort: Callable[[Any], None] | None = None
