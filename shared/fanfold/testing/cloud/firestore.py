"""The calls of Firestore that the engine makes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

from google.cloud.firestore_v1 import types
from google.protobuf.empty_pb2 import Empty
from google.protobuf.timestamp_pb2 import Timestamp

from fanfold.testing.cloud import fields, queries
from fanfold.testing.cloud.clock import CloudClock
from fanfold.testing.cloud.documents import Documents
from fanfold.testing.cloud.indexes import Indexes
from fanfold.testing.cloud.limits import Limits
from fanfold.testing.cloud.operations import Meter, collection_of
from fanfold.testing.cloud.refusal import unimplemented
from fanfold.testing.cloud.rpc import Call, Method
from fanfold.testing.cloud.writes import RawDocument

#: index entries that an aggregation counts for the price of one read
_ENTRIES = 1000


class FirestoreService:
    name = "google.firestore.v1.Firestore"

    def __init__(self, clock: CloudClock, limits: Limits, meter: Meter) -> None:
        self._clock = clock
        self._limits = limits
        self._meter = meter
        self.documents = Documents(clock, limits)
        self.indexes = Indexes()

    @property
    def methods(self) -> dict[str, Method]:
        return {
            "BatchGetDocuments": Method(
                types.BatchGetDocumentsRequest.pb(), self._get, streamed=True, abort=self._abort
            ),
            "RunQuery": Method(types.RunQueryRequest.pb(), self._query, streamed=True),
            "RunAggregationQuery": Method(
                types.RunAggregationQueryRequest.pb(), self._aggregate, streamed=True
            ),
            "BeginTransaction": Method(types.BeginTransactionRequest.pb(), self._begin),
            "Commit": Method(types.CommitRequest.pb(), self._commit, abort=self._abort),
            "Rollback": Method(types.RollbackRequest.pb(), self._rollback),
        }

    def _get(self, request: Any, _: Call) -> list[Any]:
        _refuse(request, {"database", "documents", "mask", "transaction"})
        # each once, however often it is asked for
        found = self.documents.get(dict.fromkeys(request.documents), request.transaction)
        answers = []
        for path, document in found.items():
            answer = types.BatchGetDocumentsResponse.pb()(read_time=self._now())
            if document is None:
                answer.missing = path
            else:
                answer.found.CopyFrom(
                    _masked(document, request.mask.field_paths)
                    if request.HasField("mask")
                    else document
                )
            answers.append(answer)
            self._meter.read(collection_of(path), 1)
        return answers

    def _query(self, request: Any, _: Call) -> list[Any]:
        _refuse(request, {"parent", "structured_query"})
        collection, found = self._select(request.parent, request.structured_query)
        self._meter.read(collection, max(1, len(found)))
        if request.structured_query.HasField("select"):
            wanted = [it.field_path for it in request.structured_query.select.fields]
            found = [_masked(it, wanted) for it in found]
        raw = types.RunQueryResponse.pb()
        now = self._now()
        return [raw(document=it, read_time=now) for it in found] or [raw(read_time=now)]

    def _aggregate(self, request: Any, _: Call) -> list[Any]:
        _refuse(request, {"parent", "structured_aggregation_query"})
        query = request.structured_aggregation_query
        summed = [it.sum.field.field_path for it in query.aggregations if it.HasField("sum")]
        collection, found = self._select(request.parent, query.structured_query, summed)
        self._meter.read(collection, max(1, -(-len(found) // _ENTRIES)))
        answer = types.RunAggregationQueryResponse.pb()(read_time=self._now())
        for alias, value in queries.aggregate(query.aggregations, found).items():
            answer.result.aggregate_fields[alias].CopyFrom(value)
        return [answer]

    def _select(self, parent: str, query: Any, summed: Sequence[str] = ()) -> tuple[str, list[Any]]:
        name = queries.collection_of(query)
        self.indexes.check(name, query, summed)
        return name, queries.run(query, self.documents.collection(f"{parent}/{name}"))

    def _begin(self, request: Any, _: Call) -> Any:
        _refuse(request, {"database"})
        return types.BeginTransactionResponse.pb()(transaction=self.documents.begin())

    def _commit(self, request: Any, _: Call) -> Any:
        _refuse(request, {"database", "writes", "transaction"})
        time.sleep(self._limits.commit_seconds)
        results, now = self.documents.commit(request.writes, request.transaction)
        self._meter.wrote(
            (write.update.name for write in request.writes if write.HasField("update")),
            (write.delete for write in request.writes if write.WhichOneof("operation") == "delete"),
        )
        return types.CommitResponse.pb()(write_results=results, commit_time=now)

    def _rollback(self, request: Any, _: Call) -> Any:
        self.documents.rollback(request.transaction)
        return Empty()

    def _abort(self, request: Any) -> None:
        if request.transaction:
            self.documents.rollback(request.transaction)

    def _now(self) -> Any:
        now = Timestamp()
        now.FromMicroseconds(int(self._clock.now() * 1_000_000))
        return now


def _refuse(request: Any, known: set[str]) -> None:
    """What is asked in a way the stand-in does not know would be answered wrongly."""
    unknown = {it.name for it, _ in request.ListFields()} - known
    if unknown:
        raise unimplemented(f"request with {sorted(unknown)}")


def _masked(document: Any, names: Iterable[str]) -> Any:
    part = RawDocument(
        name=document.name, create_time=document.create_time, update_time=document.update_time
    )
    for name in names:
        path = fields.parse(name)
        value = fields.find(document.fields, path)
        if value is not None:
            fields.place(part.fields, path).CopyFrom(value)
    return part
