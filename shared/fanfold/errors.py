"""Every error Fanfold raises, and every signal a flow may raise.

    FanfoldError
    ├── UsageError                what was asked for cannot be: bad input, nothing stored
    │   ├── FlowNotFound
    │   ├── FlowInvalid
    │   ├── SourceInvalid         names the place: file, line or record, field
    │   │   ├── RecordsInvalid    several places
    │   │   └── SourceBroken      a flow's own source raised
    │   ├── OptionInvalid
    │   ├── SettingsInvalid
    │   ├── BatchNotFound
    │   ├── LetterNotFound
    │   ├── RecordNotFound
    │   ├── RunNotFound
    │   ├── NotThere              what the API has other things of: a provider, a role
    │   ├── QuestionNotFound
    │   ├── AnswerInvalid
    │   └── HomeRefused           the embedded engine's folder cannot be used
    ├── Conflict                  the state of things forbids it
    │   ├── IllegalTransition
    │   ├── BatchPruned           its counts are kept, its records and results are gone
    │   └── RequestReused
    ├── NotAllowed                who asks is not known, or may not do this
    │   ├── Unauthenticated       nobody said who asks, or not so that it can be believed
    │   └── Forbidden             who asks may know of it, and not do this
    ├── MessageInvalid            a queue's message nobody can decode
    └── EngineError               the engine could not do it
        ├── Contended             somebody else was first: read again, decide again
        ├── OutcomeRefused        an outcome's own content cannot be stored
        ├── BlobNotFound
        └── IssuerSilent          who asks cannot be checked now: its issuer does not answer

    FlowSignal                    raised by a flow on purpose: control flow, no defect
    ├── Retryable(after=…)        try again
    ├── RateLimited(retry_after=…)  try again later; burns no attempt
    ├── Permanent                 trying again is useless
    ├── Fatal                     ends the whole batch
    └── RunCanceled               the run was told to stop, and does

Some layers add leaves of their own: execution, for a record or result that does not fit its flow.
Each message says what is wrong, where, and the remedy. `handling_of` is the one table that
decides what an error means to a terminal, to HTTP and to a message.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


class FanfoldError(Exception):
    """Something in Fanfold went wrong. Run the command again with --verbose for the whole trace."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class UsageError(FanfoldError):
    """What was asked for cannot be done as asked. See --help."""


class FlowNotFound(UsageError):
    """No such flow. `fanfold flows` lists the ones found here."""


class FlowInvalid(UsageError):
    """The flow is not well formed. Decorate one function with @flow."""


class SourceInvalid(UsageError):
    """The source cannot be read. Each line must be one JSON value."""


class RecordsInvalid(SourceInvalid):
    """Several records of a source are wrong. Mend them all, and send it again."""

    def __init__(self, problems: str | Sequence[str] = (), *, are_all: bool = True) -> None:
        """`are_all`: else there may be more behind them."""
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        self.are_all = are_all
        told = self.problems[0] if self.problems else None
        if len(self.problems) > 1:
            number = f"{'' if are_all else 'at least '}{len(self.problems):,}"
            told = f"{number} records are wrong; the first: {told}"
        super().__init__(told)


class SourceBroken(SourceInvalid):
    """The flow's own source raised. Mend it, and start the batch again."""


class OptionInvalid(UsageError):
    """An option has a value it cannot have. See --help."""


class SettingsInvalid(UsageError):
    """A FANFOLD_… environment variable has a value it cannot have."""


class BatchNotFound(UsageError):
    """No such batch. `fanfold list` lists the ones in this home."""


class LetterNotFound(UsageError):
    """No such dead letter. `fanfold dead-letters` lists the ones there are."""


class RecordNotFound(UsageError):
    """The batch has no such record. Its indexes begin at 0."""


class RunNotFound(UsageError):
    """No such run. `GET /api/runs` lists those started by themselves."""


class NotThere(UsageError):
    """There is no such thing here."""


class QuestionNotFound(UsageError):
    """Nobody asks that. `fanfold answer` lists what is asked."""


class AnswerInvalid(UsageError):
    """The answer is not what the question wants. `fanfold answer --json` tells its schema."""


class HomeRefused(UsageError):
    """This folder cannot hold the embedded engine. Set FANFOLD_HOME to another one."""


class Conflict(FanfoldError):
    """The state of things forbids this. Look at it again: `fanfold status BATCH`."""


class IllegalTransition(Conflict):
    """The batch is not in a state that allows this. Look at it: `fanfold status BATCH`."""


class BatchPruned(Conflict):
    """The batch has been pruned: its counts are kept, its records and results are gone."""


class RequestReused(Conflict):
    """This request id already started another batch. Use a new request id."""


class NotAllowed(FanfoldError):
    """This is not allowed. Ask as somebody who may."""


class Unauthenticated(NotAllowed):
    """Nobody said who asks. Send a bearer token of an issuer that is configured here."""


class Forbidden(NotAllowed):
    """Who asks may not do this. Its owner and its managers may."""


class MessageInvalid(FanfoldError):
    """A message that cannot be decoded. It goes to the dead letters, where it can be read."""


class EngineError(FanfoldError):
    """The engine could not do this now. What is queued stays queued: try again."""


class Contended(EngineError):
    """Somebody else changed it first. Read it again and decide again."""


class OutcomeRefused(EngineError):
    """The store refused an outcome for its own content. Return less, or return a reference."""


class BlobNotFound(EngineError):
    """A stored file is gone. Was it deleted by hand? Create the batch again from its source."""


class IssuerSilent(EngineError):
    """Who asks cannot be checked now: its issuer does not answer. Try again."""


class FlowSignal(Exception):
    """What a flow raises on purpose."""


class Retryable(FlowSignal):
    """Raise it to be run again, after `after` seconds or else after the policy's back-off."""

    def __init__(self, message: str = "", *, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class RateLimited(FlowSignal):
    """Raise it when told to slow down: the run waits `retry_after` seconds; no attempt is burnt."""

    def __init__(self, message: str = "", *, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Permanent(FlowSignal):
    """Raise it when trying again is useless: the run fails now."""


class Fatal(FlowSignal):
    """Raise it when going on is useless for every record: the run fails and the batch ends."""


class RunCanceled(FlowSignal):
    """Raised by `Context.check_canceled()` once the run has been told to stop."""


@dataclass(frozen=True, slots=True)
class Handling:
    """What an error means at each border."""

    exit_code: int
    http_status: int
    #: ack: done with it; nack: deliver it again later; dead: to the dead letters, it cannot work
    message: Literal["ack", "nack", "dead"]


#: The nearest class in an error's ancestry decides.
HANDLING: dict[type[BaseException], Handling] = {
    UsageError: Handling(2, 400, "nack"),
    FlowNotFound: Handling(2, 404, "nack"),
    BatchNotFound: Handling(2, 404, "ack"),
    LetterNotFound: Handling(2, 404, "ack"),
    RecordNotFound: Handling(2, 404, "ack"),
    RunNotFound: Handling(2, 404, "ack"),
    NotThere: Handling(2, 404, "ack"),
    QuestionNotFound: Handling(2, 404, "ack"),
    Conflict: Handling(1, 409, "ack"),
    NotAllowed: Handling(1, 403, "nack"),
    Unauthenticated: Handling(1, 401, "nack"),
    MessageInvalid: Handling(1, 400, "dead"),
    EngineError: Handling(1, 503, "nack"),
    Exception: Handling(1, 500, "nack"),
}


def handling_of(error: BaseException) -> Handling:
    for ancestor in type(error).__mro__:
        if ancestor in HANDLING:
            return HANDLING[ancestor]
    return HANDLING[Exception]
