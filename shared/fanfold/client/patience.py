"""When a call is made again, and after how long: what may have arrived is repeated only where that
does no harm, for each call that starts something carries a key of its own."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from fanfold.client.calls import Answer, Broken, Call, Operation, Request, Sleep, Stream
from fanfold.client.errors import ClientError, Unavailable, error_of

#: it was not done, and may be later
_LATER = frozenset({429, 502, 503, 504})
#: who leads elsewhere, to a login page say, has not done it either
_NOT_OK = 300


@dataclass(frozen=True, slots=True)
class Patience:
    #: how often a call is made again, at most
    retries: int = 5
    #: seconds that it may take altogether, pauses included
    seconds: float = 60.0
    #: the first pause, which doubles, and the longest
    first: float = 0.2
    longest: float = 10.0
    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    uniform: Callable[[], float] = random.random

    def ask(self, request: Call | Stream) -> Operation[Answer]:
        """Raises what error_of makes of an answer that is no success."""
        began, failures = self.monotonic(), 0
        while True:
            problem: ClientError
            try:
                answer: Answer = yield request
                if answer.status < _NOT_OK:
                    return answer
                retry_after = self._retry_after(answer)
                problem = error_of(answer.status, answer.body, retry_after)
                again = answer.status in _LATER and _is_repeatable(request)
            except Broken as broken:
                problem = Unavailable(f"there was no answer: {broken}")
                problem.__cause__ = broken
                again, retry_after = _is_repeatable(request), None
            failures += 1
            pause = self._pause(failures) if retry_after is None else retry_after
            late = self.monotonic() - began + pause > self.seconds
            if not again or failures > self.retries or late:
                raise problem
            yield Sleep(pause)

    def _pause(self, failures: int) -> float:
        """Full jitter: those whom one failure has hit do not come back together."""
        return float(min(self.longest, self.first * 2 ** (failures - 1)) * self.uniform())

    def _retry_after(self, answer: Answer) -> float | None:
        """Seconds, or a date."""
        text = answer.headers.get("retry-after")
        if text is None:
            return None
        if text.strip().isdecimal():
            return float(text)
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, (moment - datetime.fromtimestamp(self.now(), UTC)).total_seconds())


def _is_repeatable(request: Request) -> bool:
    content = request.content
    can_be_sent_again = content is None or isinstance(content, bytes) or callable(content)
    return request.repeatable and can_be_sent_again
