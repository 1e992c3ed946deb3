"""One attempt at one record, as the execution layer takes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fanfold.domain.flow import Flow, FlowRef
from fanfold.execution.context import Context


@dataclass(slots=True, unsafe_hash=True)  # frozen in use: freezing it triples its price
class Call:
    flow: Flow
    #: how a child process finds the same flow
    ref: FlowRef
    #: the record's data, parsed; each attempt gets a value of its own
    data: Any
    context: Context
    #: seconds; None: no limit
    timeout: float | None
