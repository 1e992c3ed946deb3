"""What a fold is given for each record, in record order, failed ones included."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fanfold.domain.run import RunState


@dataclass(slots=True, unsafe_hash=True)  # frozen in use: freezing it triples its price
class Result:
    index: int
    key: str | None
    status: RunState
    #: the output as JSON text; None when there is none
    text: str | None = None
    #: type and message of the failure, or why it was canceled or skipped
    error: dict[str, str] | None = None
    #: this run's own, of a batch with a parameter grid
    parameters: Mapping[str, Any] | None = None

    @property
    def ok(self) -> bool:
        return self.status is RunState.SUCCEEDED

    @property
    def output(self) -> Any:
        return None if self.text is None else json.loads(self.text)

    def line(self) -> str:
        """One line of JSON: {"index","key","status","output","error"}, and "parameters" where each
        run has its own."""
        own = "" if self.parameters is None else f',"parameters":{json.dumps(self.parameters)}'
        return (
            f'{{"index":{self.index},"key":{json.dumps(self.key)},"status":"{self.status}",'
            f'"output":{self.text or "null"},"error":{json.dumps(self.error)}{own}}}'
        )
