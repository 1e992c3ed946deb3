"""Fanfold's log lines, as lines on standard error: `fanfold: action: text (batch_id=…)`."""

from __future__ import annotations

import logging
from collections.abc import Callable


def show_log(say: Callable[[str], None], *, verbose: bool = False) -> None:
    """Warnings and worse; with `verbose`, what goes well too."""
    from fanfold.log import logger

    logger.setLevel(logging.INFO if verbose else logging.WARNING)
    for handler in [it for it in logger.handlers if isinstance(it, _Lines)]:
        logger.removeHandler(handler)
    logger.addHandler(_Lines(say))


class _Lines(logging.Handler):
    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__()
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        self._say(line_of(record))


def line_of(record: logging.LogRecord) -> str:
    context: dict[str, object] = getattr(record, "context", {})
    text = f"fanfold: {' '.join(record.getMessage().split())}"
    if context:
        text += " (" + " ".join(f"{name}={value}" for name, value in context.items()) + ")"
    return text
