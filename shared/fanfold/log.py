"""Log lines with a stable `action` and the context they belong to.

    log.warning("message.buried", "cannot be decoded", batch_id=…, attempt=…)

One logger, `fanfold`; a face decides how it is shown. The context is on the record as `context`.
"""

from __future__ import annotations

import logging

logger = logging.getLogger("fanfold")
logger.addHandler(logging.NullHandler())


def info(action: str, text: str, **context: object) -> None:
    _emit(logging.INFO, action, text, context)


def warning(action: str, text: str, **context: object) -> None:
    _emit(logging.WARNING, action, text, context)


def error(action: str, text: str, **context: object) -> None:
    _emit(logging.ERROR, action, text, context)


def _emit(level: int, action: str, text: str, context: dict[str, object]) -> None:
    if logger.isEnabledFor(level):
        logger.log(level, "%s: %s", action, text, extra={"action": action, "context": context})
