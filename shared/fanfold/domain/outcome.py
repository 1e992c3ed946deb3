"""How one attempt ended, and how a run ended: two unions of small frozen values.

An attempt (Returned | Raised | TimedOut | MemoryExceeded | Died | Interrupted | Waits) is what
executing the flow once came to. `domain.retry.decide` turns it into an outcome, or into another
attempt later. An outcome (Succeeded | Failed | Canceled | Skipped) is for good.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from fanfold.domain.fingerprint import fingerprint_of

#: Larger outputs go to Blobs by reference.
MAX_INLINE_OUTPUT_BYTES = 256 * 1024
#: A traceback is kept up to this many characters, its end being the telling part.
MAX_TRACEBACK_CHARS = 4000
MAX_MESSAGE_CHARS = 2000


def printable(text: str) -> str:
    """Text any store and terminal takes: what a flow raised may hold half a surrogate pair."""
    return text.encode("utf-8", "backslashreplace").decode()


@dataclass(frozen=True, slots=True)
class Value:
    """A JSON text, here or in Blobs."""

    text: str | None = None
    blob: str | None = None


class Blame(StrEnum):
    """Why a run failed, as far as retrying cares."""

    ERROR = "error"  # the flow raised; another attempt may go better
    RATE_LIMITED = "rate-limited"
    PERMANENT = "permanent"
    FATAL = "fatal"
    TIMEOUT = "timeout"
    MEMORY = "memory"  # it needed more than its flow may have
    DIED = "died"  # the process that ran it died
    INPUT = "input"  # the record is not what the flow takes
    OUTPUT = "output"  # what the flow returned cannot be stored
    UNDELIVERABLE = "undeliverable"


@dataclass(frozen=True, slots=True)
class Failure:
    blame: Blame
    #: the exception's class, or a short name for what has none
    type: str
    message: str
    traceback: str | None = None

    @property
    def fingerprint(self) -> str:
        return fingerprint_of(self.type, self.message)


# ---------------------------------------------------------------- attempts


@dataclass(frozen=True, slots=True)
class Returned:
    #: the flow's return value as JSON text
    output: str


@dataclass(frozen=True, slots=True)
class Raised:
    failure: Failure
    #: what Retryable(after=…) or RateLimited(retry_after=…) asked for
    after: float | None = None


@dataclass(frozen=True, slots=True)
class TimedOut:
    seconds: float


@dataclass(frozen=True, slots=True)
class MemoryExceeded:
    """It needed more than so many bytes: it was refused them, or killed for having them."""

    limit: int
    #: where it was refused them
    traceback: str | None = None


@dataclass(frozen=True, slots=True)
class Died:
    """The child process that ran the record alone died; `reason` says how."""

    reason: str


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The run was told to stop and stopped; no fault of the record's."""

    reason: str


@dataclass(frozen=True, slots=True)
class Scattered:
    """Items of a node that are to be a batch of their own."""

    #: where the run remembers it (domain.memo)
    place: str
    #: which node's worker runs them (Flow.part)
    part: str
    #: JSON text of the list
    items: str
    concurrency: int


@dataclass(frozen=True, slots=True)
class Waits:
    """The run goes on when somebody has answered, its items have ended, or that time has come."""

    until: float | None
    scattered: tuple[Scattered, ...] = ()


@dataclass(frozen=True, slots=True)
class Slot:
    """One item of a scattered node, as it ended."""

    #: JSON text, if it succeeded
    text: str | None
    #: type and message, if it did not
    error: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Gathered:
    """All of them, in the items' order."""

    slots: tuple[Slot, ...]
    batch_id: str = ""
    #: what they have cost (domain.money)
    spent: int = 0


Attempt = Returned | Raised | TimedOut | MemoryExceeded | Died | Interrupted | Waits


# ---------------------------------------------------------------- outcomes


@dataclass(frozen=True, slots=True)
class Succeeded:
    output: Value


@dataclass(frozen=True, slots=True)
class Failed:
    failure: Failure


@dataclass(frozen=True, slots=True)
class Canceled:
    reason: str


@dataclass(frozen=True, slots=True)
class Skipped:
    reason: str


Outcome = Succeeded | Failed | Canceled | Skipped
