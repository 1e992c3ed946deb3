"""What a flow raised, as the attempt it makes."""

from __future__ import annotations

import asyncio
import math
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

from fanfold.domain.outcome import (
    MAX_MESSAGE_CHARS,
    MAX_TRACEBACK_CHARS,
    Attempt,
    Blame,
    Failure,
    Interrupted,
    Raised,
    Waits,
)
from fanfold.errors import Fatal, FlowSignal, Permanent, RateLimited, Retryable, RunCanceled
from fanfold.execution.context import Context
from fanfold.execution.durable import Suspended
from fanfold.execution.output import OutputInvalid
from fanfold.execution.validation import InputInvalid

_OURS = (str(Path(__file__).parent), str(Path(__file__).parent.parent / "graphs"))
#: an attribute of what a node raised: which node that was
NODE = "_fanfold_node"

#: The first class that fits decides. What is no Exception (SystemExit, KeyboardInterrupt raised by
#: the flow itself) means to end a program, and would mean it at every attempt.
_BLAMES: tuple[tuple[type[BaseException], Blame], ...] = (
    (RateLimited, Blame.RATE_LIMITED),
    (Permanent, Blame.PERMANENT),
    (Fatal, Blame.FATAL),
    (InputInvalid, Blame.INPUT),
    (OutputInvalid, Blame.OUTPUT),
    (asyncio.CancelledError, Blame.ERROR),
    (Exception, Blame.ERROR),
    (BaseException, Blame.PERMANENT),
)


def attempt_of(error: BaseException, context: Context) -> Attempt:
    meant = _meant(error)
    canceled = context.canceled
    if isinstance(meant, Suspended):
        durable = context.durable
        return Waits(durable.until, tuple(durable.scattered))
    if canceled.is_set() and isinstance(meant, RunCanceled | asyncio.CancelledError):
        return Interrupted(canceled.reason)
    blame = next(blame for kind, blame in _BLAMES if isinstance(meant, kind))
    failure = Failure(blame, type(meant).__name__, _message_of(meant), _traceback_of(error))
    match meant:
        case Retryable(after=asked) | RateLimited(retry_after=asked):
            return Raised(failure, _seconds(asked))
        case _:
            return Raised(failure)


def _meant(error: BaseException) -> BaseException:
    """A task group wraps even a single error: what was raised in it is what was meant. Where
    several of its tasks ask, all of them wait."""
    while isinstance(error, BaseExceptionGroup):
        waits, others = error.split(Suspended)
        if waits is None and len(error.exceptions) > 1:
            return error
        error = (others or error).exceptions[0]
    return error


def _seconds(asked: Any) -> float | None:
    """Perhaps straight from a Retry-After header, so perhaps text, or nonsense."""
    try:
        seconds = float(asked)
    except (TypeError, ValueError, OverflowError):
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _message_of(error: BaseException) -> str:
    message = _text(error)
    cause = error.__cause__
    if isinstance(error, FlowSignal) and cause is not None:
        # the signal says what to do, its cause what happened
        message = f"{message} (from {type(cause).__name__}: {_text(cause)})".strip()
    node = getattr(error, NODE, None)
    if node is not None:
        message = f"node {node}: {message}"
    if len(message) > MAX_MESSAGE_CHARS:
        message = message[: MAX_MESSAGE_CHARS - 1] + "…"
    return message


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001  an exception of a user's may fail at being printed
        return "(its message cannot be printed)"


def _traceback_of(error: BaseException) -> str | None:
    """From the user's first frame on, its end being the telling part; None where none is theirs."""
    frame = error.__traceback__
    while frame is not None and _is_ours(frame):
        frame = frame.tb_next
    if frame is None:
        return None
    try:
        text = "".join(traceback.format_exception(type(error), error, frame))
    except Exception:  # noqa: BLE001  see _text
        return None
    return text if len(text) <= MAX_TRACEBACK_CHARS else "…" + text[1 - MAX_TRACEBACK_CHARS :]


def _is_ours(frame: TracebackType) -> bool:
    return frame.tb_frame.f_code.co_filename.startswith(_OURS)
