"""What an exit code says.

| code | meaning                                                            |
|------|--------------------------------------------------------------------|
| 0    | completed; some records may have failed, unless --strict           |
| 1    | failed, or completed with failed records under --strict            |
| 2    | bad usage or bad input; nothing was stored                         |
| 3    | canceled, expired or skipped                                       |
| 130  | interrupted; what is stored goes on with `fanfold attach`          |
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fanfold.steps.status import Status

OK = 0
FAILED = 1
USAGE = 2
STOPPED = 3
INTERRUPTED = 130


def code_of(status: Status, *, strict: bool = False) -> int:
    """Of a batch that has ended."""
    from fanfold.domain.batch import BatchState

    match status.batch.state:
        case BatchState.COMPLETED:
            return FAILED if strict and status.counts.failed else OK
        case BatchState.CANCELED | BatchState.EXPIRED | BatchState.SKIPPED:
            return STOPPED
        case _:
            return FAILED
