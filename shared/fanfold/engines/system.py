"""The real clock, and names from the system's own randomness."""

from __future__ import annotations

import secrets
import time
from random import SystemRandom

from fanfold.domain.ids import batch_id_from

_random = SystemRandom()


class SystemClock:
    def now(self) -> float:
        return time.time()


class SystemIds:
    def batch_id(self) -> str:
        return batch_id_from(secrets.token_bytes(10))

    def token(self) -> str:
        return secrets.token_hex(6)

    def uniform(self) -> float:
        return _random.random()
