"""Both services on one port of this machine, for as long as a block lasts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock
from time import monotonic, sleep
from typing import Any

import grpc

from fanfold.engines.google.resources import Index
from fanfold.testing.cloud.clock import CloudClock
from fanfold.testing.cloud.faults import Faults
from fanfold.testing.cloud.firestore import FirestoreService
from fanfold.testing.cloud.limits import Limits
from fanfold.testing.cloud.operations import Meter, Operations
from fanfold.testing.cloud.pubsub import PublisherService, SubscriberService
from fanfold.testing.cloud.push import IN_FLIGHT, Pushes
from fanfold.testing.cloud.refusal import Refusal
from fanfold.testing.cloud.rpc import Call, Method
from fanfold.testing.cloud.topics import Topics

#: a pull that waits keeps its thread
_THREADS = 256
#: what is on its way on one machine arrives within it
_QUIET_SECONDS = 0.05
_UNLIMITED = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))


class Cloud:
    def __init__(self, clock: CloudClock, limits: Limits, seed: int, in_flight: int) -> None:
        self.limits = limits
        self.faults = Faults(seed)
        self.clock = clock
        self._meter = Meter()
        self._counting = Lock()
        self._asked = 0
        self._answering = 0
        self._firestore = FirestoreService(clock, limits, self._meter)
        self._topics = Topics(clock, self.faults.random)
        self.pushes = Pushes(self._topics, self.faults, self._meter, in_flight)
        publisher = PublisherService(self._topics, self._meter)
        subscriber = SubscriberService(self._topics, limits, self._meter)
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="cloud")
        self._server = grpc.server(self._pool, options=_UNLIMITED)
        for service in (self._firestore, publisher, subscriber):
            handlers = {name: self._handler(name, it) for name, it in service.methods.items()}
            self._server.add_generic_rpc_handlers(
                (grpc.method_handlers_generic_handler(service.name, handlers),)
            )
        self.firestore_host = self.pubsub_host = (
            f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        )

    @property
    def indexes_used(self) -> frozenset[Index]:
        """The composite ones that some query has needed so far."""
        return frozenset(self._firestore.indexes.used)

    @property
    def fields_asked(self) -> frozenset[tuple[str, str]]:
        """(collection, field): what some query has named."""
        return frozenset(self._firestore.indexes.asked)

    @property
    def fields_written(self) -> frozenset[tuple[str, str]]:
        """(collection, field): what some document that is there has."""
        return self._firestore.documents.fields_by_collection()

    @property
    def operations(self) -> Operations:
        """What has been done so far."""
        return self._meter.snapshot()

    @property
    def open_transactions(self) -> int:
        return self._firestore.documents.open_transactions()

    def until_quiet(self) -> None:
        """Until nobody asks for anything any more: to be waited for before time passes for what
        dead processes have held. What they asked for last may just be arriving, and a message
        that is given out for it then would be leased to nobody."""
        quiet_at, seen = monotonic(), -1
        while self._answering or monotonic() - quiet_at < _QUIET_SECONDS:
            if self._answering or self._asked != seen:
                quiet_at, seen = monotonic(), self._asked
            sleep(_QUIET_SECONDS / 10)

    def pass_(self, seconds: float) -> None:
        """Time passes, for leases and whatever else ends by itself."""
        self.clock.pass_(seconds)
        self._topics.wake()

    def start(self) -> None:
        self._server.start()
        self.pushes.start()

    def stop(self) -> None:
        self._topics.close()
        self._server.stop(grace=None).wait()
        self._pool.shutdown()
        self.pushes.stop()

    def _handler(self, name: str, method: Method) -> Any:
        def answer(request: Any, context: grpc.ServicerContext) -> Any:
            with self._counting:
                self._asked += 1
                self._answering += 1
            try:
                return answer_counted(request, context)
            finally:
                with self._counting:
                    self._answering -= 1

        def answer_counted(request: Any, context: grpc.ServicerContext) -> Any:
            self._meter.called(name)
            try:
                self.limits.check_request(request.ByteSize())
                strikes = self.faults.strike(name, request)
                if "aborted" in strikes and method.abort:
                    method.abort(request)
                strikes.before()
                answered = method.answer(request, Call(context, strikes))
                strikes.after()
            except Refusal as refusal:
                context.abort(refusal.code, refusal.message)
            else:
                return iter(answered) if method.streamed else answered

        kind: Callable[..., Any] = (
            grpc.unary_stream_rpc_method_handler
            if method.streamed
            else grpc.unary_unary_rpc_method_handler
        )
        return kind(
            answer,
            request_deserializer=method.request.FromString,
            response_serializer=lambda response: response.SerializeToString(),
        )


@contextmanager
def running_cloud(
    *,
    still: bool = False,
    limits: Limits | None = None,
    seed: int = 0,
    in_flight: int = IN_FLIGHT,
) -> Iterator[Cloud]:
    """Ready to be called; forgotten when the block ends. With `still`, its time passes only by
    `pass_`. `in_flight` is how many requests a subscription that pushes keeps in flight."""
    cloud = Cloud(CloudClock(still=still), limits or Limits(), seed, in_flight)
    cloud.start()
    try:
        yield cloud
    finally:
        cloud.stop()
