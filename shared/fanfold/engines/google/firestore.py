"""The few calls we make of Firestore, and what their answers mean.

| answer                                  | raised       | what it tells the caller              |
|-----------------------------------------|--------------|---------------------------------------|
| ALREADY_EXISTS                          | Exists       | a document that must not exist does   |
| NOT_FOUND                               | Missing      | one that must exist does not          |
| FAILED_PRECONDITION                     | Stale        | it has changed since it was read      |
| ABORTED                                 | Aborted      | nothing was written: again            |
| INVALID_ARGUMENT, OUT_OF_RANGE          | Unfit        | the request's own content is refused  |
| PERMISSION_DENIED, UNAUTHENTICATED      | EngineError  | again would not help                  |
| UNAVAILABLE, DEADLINE_EXCEEDED, INTERNAL| Unsure       | it may have been done, or not         |
| the same, of an emulator that has ended | Gone         | what it held is gone too              |

The client library's own retries are off for commits: what to do after a lost reply depends on what
the commit says, and only its author knows. Reads are repeated here. `transact` is our own runner:
a fresh transaction for every try, Aborted from reads and commits alike, jittered back-off, and a
deadline (the library's retries only aborted commits, without a pause).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar, Unpack

from google.api_core import exceptions
from google.cloud.firestore_v1 import types
from google.cloud.firestore_v1.services.firestore import FirestoreClient

from fanfold.engines.google import values
from fanfold.engines.google.presence import Presence
from fanfold.engines.google.querying import How, Where, ask_for
from fanfold.engines.google.values import decode, decode_fields
from fanfold.errors import EngineError

T = TypeVar("T")

#: how long a read, or a transaction with all its tries, may take
_PATIENCE = 60.0
_CALL_SECONDS = 30.0
_FIRST_PAUSE = 0.02
_LONGEST_PAUSE = 2.0


class Exists(EngineError):
    """A document that must not exist does."""


class Missing(EngineError):
    """A document that must exist does not."""


class Stale(EngineError):
    """A document has changed since it was read."""


class Aborted(EngineError):
    """Firestore gave this up in favour of another; nothing was written."""


class Unfit(EngineError):
    """Firestore refuses the request for its own content."""


class Unsure(EngineError):
    """No answer: it may have been done, or not."""


_MEANINGS: tuple[tuple[type[Exception], type[EngineError]], ...] = (
    (exceptions.AlreadyExists, Exists),
    (exceptions.NotFound, Missing),
    (exceptions.FailedPrecondition, Stale),
    (exceptions.Aborted, Aborted),
    (exceptions.InvalidArgument, Unfit),
    (exceptions.OutOfRange, Unfit),
    (exceptions.Forbidden, EngineError),
    (exceptions.Unauthorized, EngineError),
    (exceptions.MethodNotImplemented, EngineError),
    (exceptions.GoogleAPICallError, Unsure),
    (exceptions.RetryError, Unsure),
)


def meaning_of(error: Exception) -> EngineError:
    for kind, meaning in _MEANINGS:
        if isinstance(error, kind):
            return meaning(f"Firestore: {error}")
    raise error


@dataclass(frozen=True, slots=True)
class Document:
    path: str
    fields: dict[str, Any]
    update_time: Any

    @property
    def id(self) -> str:
        return self.path.rpartition("/")[2]


class Firestore:
    def __init__(
        self,
        client: FirestoreClient,
        project: str,
        database: str = "(default)",
        metadata: Sequence[tuple[str, str]] = (),
        emulator: str = "",
    ) -> None:
        """`emulator`: its address, if it is one."""
        self._client = client
        self._database = f"projects/{project}/databases/{database}"
        self._root = f"{self._database}/documents"
        # named databases are routed by this header
        routing = ("x-goog-request-params", f"database={self._database}")
        self._metadata = [*metadata, routing]
        self._presence = Presence("Firestore", emulator)

    def path(self, *parts: str) -> str:
        return "/".join((self._root, *parts))

    # ---------------------------------------------------------------- reads

    def get(
        self,
        paths: Iterable[str],
        *,
        fields: Sequence[str] | None = None,
        transaction: bytes | None = None,
    ) -> dict[str, Document]:
        """Those that exist, by path."""
        raws = self.get_raw(paths, fields=fields, transaction=transaction)
        return {raw.name: _document(raw) for raw in raws}

    def get_raw(
        self,
        paths: Iterable[str],
        *,
        fields: Sequence[str] | None = None,
        transaction: bytes | None = None,
    ) -> list[Any]:
        """The same, as they come; for those who read many, and not all of each."""
        wanted = list(paths)
        if not wanted:
            return []
        request = types.BatchGetDocumentsRequest.pb()(
            database=self._database, documents=wanted, transaction=transaction
        )
        if fields is not None:
            request.mask.field_paths.extend(fields)
            request.mask.SetInParent()
        answers = self._read(
            self._client.batch_get_documents,
            types.BatchGetDocumentsRequest.wrap(request),
            again=transaction is None,
        )
        raws = [types.BatchGetDocumentsResponse.pb(answer) for answer in answers]
        return [raw.found for raw in raws if raw.HasField("found")]

    def get_one(self, path: str, transaction: bytes | None = None) -> Document | None:
        return self.get([path], transaction=transaction).get(path)

    def query(
        self, parent: str, collection: str, where: Sequence[Where] = (), **how: Unpack[How]
    ) -> list[Document]:
        """Those that it finds, as `query_raw` does."""
        return [_document(raw) for raw in self.query_raw(parent, collection, where, **how)]

    def query_raw(
        self, parent: str, collection: str, where: Sequence[Where] = (), **how: Unpack[How]
    ) -> list[Any]:
        request = types.RunQueryRequest.pb()(parent=parent or self._root)
        ask_for(request.structured_query, collection, where, **how)
        answers = self._read(self._client.run_query, types.RunQueryRequest.wrap(request))
        raws = [types.RunQueryResponse.pb(answer) for answer in answers]
        return [raw.document for raw in raws if raw.HasField("document")]

    def aggregate(
        self,
        parent: str,
        collection: str,
        where: Sequence[Where] = (),
        *,
        sums: Sequence[str] = (),
        count: bool = False,
    ) -> dict[str, Any]:
        """Sums of fields, by name, and `count`; a thousand index entries cost one read."""
        request = types.RunAggregationQueryRequest.pb()(parent=parent or self._root)
        query = request.structured_aggregation_query
        ask_for(query.structured_query, collection, where)
        for name in sums:
            added = query.aggregations.add(alias=name)
            added.sum.field.field_path = name
        if count:
            query.aggregations.add(alias="count").count.SetInParent()
        answers = self._read(
            self._client.run_aggregation_query, types.RunAggregationQueryRequest.wrap(request)
        )
        found: dict[str, Any] = {}
        for answer in answers:
            raw = types.RunAggregationQueryResponse.pb(answer)
            for name, value in raw.result.aggregate_fields.items():
                found[name] = decode(value)
        return found

    # --------------------------------------------------------------- writes

    def commit(self, writes: Sequence[Any], transaction: bytes | None = None) -> None:
        """All of them or none. Tried once: see the table above."""
        request = types.CommitRequest.pb()(
            database=self._database, writes=writes, transaction=transaction
        )
        try:
            self._client.commit(
                types.CommitRequest.wrap(request),
                retry=None,
                timeout=_CALL_SECONDS,
                metadata=self._metadata,
            )
        except (exceptions.GoogleAPICallError, exceptions.RetryError) as error:
            raise self._meaning_of(error) from error

    def create(self, writes: Sequence[Any]) -> bool:
        """Of documents that must not exist. False: they do, by an earlier request, or by this very
        one, whose reply was lost."""
        pauses = pauses_until(_PATIENCE)
        while True:
            try:
                self.commit(writes)
            except Exists:
                return False
            except (Aborted, Unsure):
                if not next(pauses, False):
                    raise
            else:
                return True

    def delete(self, paths: Sequence[str]) -> None:
        """All of them, whether they are there or not."""
        pauses = pauses_until(_PATIENCE)
        while True:
            try:
                return self.commit([values.delete(path) for path in paths])
            except (Aborted, Unsure):
                if not next(pauses, False):
                    raise

    def swap(self, path: str, work: Callable[[Document | None], tuple[list[Any], T]]) -> T:
        """Compare and set: `work` is given the document and returns the writes, one of which must
        depend on its update time, and its answer. Like `transact` it may be called several times
        and must see its own lost commit; unlike it, whoever dies in the middle has locked nothing,
        and so holds up nobody."""
        pauses = pauses_until(_PATIENCE)
        while True:
            writes, answer = work(self.get_one(path))
            if not writes:
                return answer
            try:
                self.commit(writes)
            except (Aborted, Unsure, Stale, Missing, Exists) as error:
                if not next(pauses, False):
                    raise EngineError(f"gave up after {_PATIENCE:g} s: {error}") from error
            else:
                return answer

    def transact(self, work: Callable[[bytes], tuple[list[Any], T]]) -> T:
        """`work` reads under the transaction it is given and returns the writes and its answer. It
        may be called several times, and must be able to see its own lost commit: a reply that is
        lost makes it read what it wrote."""
        pauses = pauses_until(_PATIENCE)
        while True:
            transaction = b""
            try:
                transaction = self._begin()
                writes, answer = work(transaction)
                if not writes:
                    self._rollback(transaction)
                    return answer
                self.commit(writes, transaction)
            except (Aborted, Unsure, Stale) as error:
                # it may still be open, and what it has read would block the next try, and others
                self._rollback(transaction)
                if not next(pauses, False):
                    raise EngineError(f"gave up after {_PATIENCE:g} s: {error}") from error
            except BaseException:
                self._rollback(transaction)
                raise
            else:
                return answer

    def _begin(self) -> bytes:
        request = types.BeginTransactionRequest(database=self._database)
        answer = self._read(self._client.begin_transaction, request, again=False, streamed=False)
        transaction: bytes = answer.transaction
        return transaction

    def _rollback(self, transaction: bytes) -> None:
        if not transaction:
            return
        request = types.RollbackRequest(database=self._database, transaction=transaction)
        # if that fails it ends by itself; nothing of it was written
        with suppress(exceptions.GoogleAPICallError):
            self._client.rollback(
                request, retry=None, timeout=_CALL_SECONDS, metadata=self._metadata
            )

    def _read(
        self, call: Callable[..., Any], request: Any, *, again: bool = True, streamed: bool = True
    ) -> Any:
        pauses: Iterator[bool] = pauses_until(_PATIENCE) if again else iter(())
        while True:
            try:
                answer = call(request, retry=None, timeout=_CALL_SECONDS, metadata=self._metadata)
                return list(answer) if streamed else answer
            except (exceptions.GoogleAPICallError, exceptions.RetryError) as error:
                meant = self._meaning_of(error)
                if isinstance(meant, Stale):  # of a query: it has no index, and time makes none
                    raise EngineError(str(meant)) from error
                if not isinstance(meant, Aborted | Unsure) or not next(pauses, False):
                    raise meant from error

    def _meaning_of(self, error: Exception) -> EngineError:
        """Raises Gone, which no caller repeats."""
        meant = meaning_of(error)
        if isinstance(meant, Unsure):
            self._presence.check()
        return meant


def pauses_until(seconds: float) -> Iterator[bool]:
    """Sleeps, longer each time and never twice alike, and says whether there is time left."""
    deadline = time.monotonic() + seconds
    pause = _FIRST_PAUSE
    while time.monotonic() < deadline:
        time.sleep(random.uniform(0, pause))
        pause = min(_LONGEST_PAUSE, 2 * pause)
        yield True


def _document(raw: Any) -> Document:
    return Document(raw.name, decode_fields(raw.fields), raw.update_time)
