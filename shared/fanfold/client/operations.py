"""All that a client can be asked for, each described once."""

from __future__ import annotations

from fanfold.client.actions import ActionOperations
from fanfold.client.batches import BatchOperations
from fanfold.client.bulk import BulkOperations
from fanfold.client.runs import RunOperations


class Operations(BatchOperations, RunOperations, ActionOperations, BulkOperations):
    __slots__ = ()
