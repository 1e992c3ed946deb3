"""Log lines as Cloud Logging reads them: one JSON object each, with what it is about and its trace.

{"severity": "WARNING", "message": "message.buried: cannot be decoded", "action":
 "message.buried", "batch_id": "batch-…", "logging.googleapis.com/trace": "projects/…/traces/…"}
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

from fanfold import trace
from fanfold.log import logger

_CLOUD = "logging.googleapis.com/"


class JsonLines(logging.Formatter):
    def __init__(self, project: str) -> None:
        super().__init__()
        self._project = project

    def format(self, record: logging.LogRecord) -> str:
        context: dict[str, object] = getattr(record, "context", {})
        line: dict[str, Any] = {
            "severity": record.levelname,
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "message": record.getMessage(),
            "logger": record.name,
        }
        if (action := getattr(record, "action", None)) is not None:
            line["action"] = action
        line |= context
        if record.exc_info:
            line["message"] += "\n" + self.formatException(record.exc_info)
        if (parts := trace.parts_of(trace.current())) is not None:
            line[f"{_CLOUD}trace"] = f"projects/{self._project}/traces/{parts[0]}"
            line[f"{_CLOUD}spanId"] = parts[1]
        return json.dumps(line, default=str)


def log_json(project: str) -> None:
    """Everything from information on, on standard error."""
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(project))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
