"""What can go wrong with a call, as exceptions.

    ClientError                    .status .code .detail .errors
    ├── Unauthenticated    401     no token, or none that is believed
    ├── Forbidden          403     one may know of it, and not do this
    ├── NotFound           404     not there, or not for whoever asks
    │   ├── BatchNotFound
    │   ├── RunNotFound
    │   ├── FlowNotFound
    │   └── RecordNotFound
    ├── ValidationFailed   400 413 422   what was asked for cannot be; .errors names each place
    ├── Conflict           409     its state forbids it
    ├── RateLimited        429     too much at once, .retry_after seconds
    ├── Unavailable        5xx     also after the repetitions, or no answer at all
    └── TimedOut                   it has not ended in the time one waits; .last is how it was

Those that have a namesake in fanfold.errors are one of those as well: whoever catches
`fanfold.errors.BatchNotFound` need not know which of the two raised it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fanfold import errors as home


class ClientError(home.FanfoldError):
    """The API did not do what it was asked."""

    def __init__(
        self,
        detail: str,
        *,
        status: int | None = None,
        code: str = "",
        errors: tuple[Mapping[str, Any], ...] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail)
        #: None: there was no answer
        self.status = status
        #: of the problem document, such as `batch-not-found`
        self.code = code
        self.detail = detail
        #: of what is not well formed, each place: `loc`, `msg`, for lines `line`
        self.errors = errors
        #: seconds after which one may ask again
        self.retry_after = retry_after


class Unauthenticated(ClientError, home.Unauthenticated):
    """Nobody said who asks, or not so that it can be believed."""


class Forbidden(ClientError, home.Forbidden):
    """Who asks may know of it, and not do this."""


class NotFound(ClientError):
    """It is not there, or not for whoever asks."""


class BatchNotFound(NotFound, home.BatchNotFound):
    """There is no such batch."""


class RunNotFound(NotFound, home.RunNotFound):
    """There is no such run."""


class FlowNotFound(NotFound, home.FlowNotFound):
    """There is no such flow."""


class RecordNotFound(NotFound, home.RecordNotFound):
    """The batch has no such record."""


class ValidationFailed(ClientError):
    """What was asked for cannot be; `errors` names each place."""


class Conflict(ClientError, home.Conflict):
    """The state of things forbids it."""


class RateLimited(ClientError):
    """Too much at once."""


class Unavailable(ClientError):
    """It could not be done now, however often it was asked for."""


class TimedOut(ClientError):
    """It has not ended in the time that was given."""

    def __init__(self, detail: str, last: Any = None) -> None:
        super().__init__(detail)
        #: the batch, the run or the runs, as they were last
        self.last = last


_BY_CODE: dict[str, type[ClientError]] = {
    "batch-not-found": BatchNotFound,
    "run-not-found": RunNotFound,
    "flow-not-found": FlowNotFound,
    "record-not-found": RecordNotFound,
}
_BY_STATUS: dict[int, type[ClientError]] = {
    400: ValidationFailed,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: ValidationFailed,
    422: ValidationFailed,
    429: RateLimited,
}
_REFUSAL, _SERVER = 400, 500


def error_of(status: int, body: bytes, retry_after: float | None) -> ClientError:
    """Of an answer that is none one wants."""
    problem = _problem_in(body)
    # the second words are those of the Globus dialect
    code = str(problem.get("type") or problem.get("code") or "").removeprefix("urn:fanfold:")
    detail = str(problem.get("detail") or problem.get("message") or _unsaid(status))
    errors = problem.get("errors")
    kind = _BY_CODE.get(code) or _BY_STATUS.get(status)
    kind = kind or (Unavailable if status >= _SERVER else ClientError)
    told = tuple(it for it in errors if isinstance(it, dict)) if isinstance(errors, list) else ()
    return kind(detail, status=status, code=code, errors=told, retry_after=retry_after)


def _unsaid(status: int) -> str:
    if status < _REFUSAL:
        return (
            f"the answer leads elsewhere ({status}), as to a login page or another address. "
            "Is this the address of a Fanfold API?"
        )
    return f"the API answered with {status}, and not why"


def _problem_in(body: bytes) -> dict[str, Any]:
    """Nothing of what is no problem document is told: it may be a proxy's whole page."""
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def is_not_found(error: BaseException) -> bool:
    return isinstance(error, NotFound)


def is_unauthenticated(error: BaseException) -> bool:
    return isinstance(error, Unauthenticated)


def is_forbidden(error: BaseException) -> bool:
    return isinstance(error, Forbidden)


def is_validation_failed(error: BaseException) -> bool:
    return isinstance(error, ValidationFailed)


def is_conflict(error: BaseException) -> bool:
    return isinstance(error, Conflict)


def is_rate_limited(error: BaseException) -> bool:
    return isinstance(error, RateLimited)


def is_retryable(error: BaseException) -> bool:
    """Whether the same may go well later."""
    return isinstance(error, RateLimited | Unavailable)
