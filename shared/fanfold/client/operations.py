"""All that a client can be asked for, each described once."""

from __future__ import annotations

from fanfold.client.batches import BatchOperations
from fanfold.client.runs import RunOperations


class Operations(BatchOperations, RunOperations):
    __slots__ = ()
