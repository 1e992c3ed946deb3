"""The queue on Pub/Sub: a topic and a subscription for each station, and for each class of runs,
pulled.

Functions get the same messages by push; then the acking is their HTTP answer, and only `publish`
and `bury` are used of this.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from google.api_core import exceptions
from google.api_core.retry import Retry
from google.pubsub_v1 import PublisherClient, SubscriberClient
from google.pubsub_v1 import types as pubsub

from fanfold import trace
from fanfold.domain.priority import PRIORITIES, Priority
from fanfold.engines.google import resources
from fanfold.engines.google.classes import Classes
from fanfold.engines.google.looking import look
from fanfold.engines.google.presence import Presence
from fanfold.errors import EngineError
from fanfold.ports import CLASSED, ORIGIN, Delivery, Station, class_at

#: how long a lease lasts unless it is extended
LEASE_SECONDS = 60
#: of one publish request: well below 1,000 messages and 10 MB
_PUBLISH_MESSAGES = 500
_PUBLISH_BYTES = 5 * 1024 * 1024
_CALL_SECONDS = 30.0
#: for a call with all its repetitions
_PATIENCE = 60.0
_LONGEST_DELAY = 600
#: what a pull waits before it asks anew: what arrives by way of dead letters wakes none that waits
_LONGEST = 5.0
_PAUSE = 0.05
#: For the answer to arrive, on the slowest machine: messages of one that comes too late would be
#: leased to nobody for as long as a function's request may take. The emulator answers empty so long
#: before its asker gives up.
_MARGIN = 1.0
#: for what answers at once: given up sooner, what it answers too late would be leased to nobody
_LOOK_SECONDS = 5.0

_Message = pubsub.PubsubMessage.pb()
_Acknowledge = pubsub.AcknowledgeRequest.pb()
_ModifyAckDeadline = pubsub.ModifyAckDeadlineRequest.pb()
_PASSING = (
    exceptions.Aborted,
    exceptions.Cancelled,
    exceptions.DeadlineExceeded,
    exceptions.InternalServerError,
    exceptions.ResourceExhausted,
    exceptions.ServiceUnavailable,
    exceptions.Unknown,
)


class PubSubQueue:
    def __init__(
        self,
        publisher: PublisherClient,
        subscriber: SubscriberClient,
        project: str,
        prefix: str,
        lease_seconds: int = LEASE_SECONDS,
        emulator: str = "",
        only: Priority | None = None,
    ) -> None:
        """`emulator`: its address, if it is one. `only`: pull the runs of that class and of no
        other, as the service does where it pushes."""
        self._project, self._prefix = project, prefix
        self._publisher = publisher
        self._subscriber = subscriber
        self._topics = {
            (it.station, it.priority): f"projects/{project}/topics/"
            + resources.topic(prefix, it.station, it.priority)
            for it in resources.SUBSCRIPTIONS
        }
        self._subscriptions = {
            (it.station, it.priority): f"projects/{project}/subscriptions/"
            + resources.subscription(prefix, it.station, it.priority)
            for it in resources.SUBSCRIPTIONS
        }
        self._lease_seconds = lease_seconds
        #: the subscriptions' own deadlines, once they are known
        self._deadlines: dict[str, int] = {}
        self._only = only
        self._classes = {it: Classes(partial(self._ask, it)) for it in CLASSED}
        self._presence = Presence("Pub/Sub", emulator)
        self._again = Retry(
            predicate=self._is_worth_repeating, initial=0.1, maximum=5.0, timeout=_PATIENCE
        )

    def publish(
        self,
        station: Station,
        batch_id: str,
        bodies: Sequence[bytes],
        priority: Priority = Priority.NORMAL,
    ) -> None:
        kind = class_at(station, priority)
        attributes = {ORIGIN: str(station), resources.BATCH: batch_id}
        if traceparent := trace.current():
            attributes[trace.TRACEPARENT] = traceparent
        messages = [_Message(data=body, attributes=attributes) for body in bodies]
        for part in _parts(messages):
            self._publish(self._topics[station, kind], part)

    def publish_events(self, messages: Sequence[tuple[bytes, dict[str, str]]]) -> None:
        """To the topic that is nobody's station."""
        topic = f"projects/{self._project}/topics/{resources.events(self._prefix)}"
        for part in _parts([_Message(data=data, attributes=its) for data, its in messages]):
            self._publish(topic, part)

    def pull(self, station: Station, limit: int, wait: float = 0.0) -> list[Delivery]:
        if station in CLASSED and self._only is None:
            priority, received = self._classes[station].pull(limit, wait)
        else:
            priority = class_at(station, self._only or Priority.NORMAL)
            received = self._ask(station, priority, limit, wait)
        subscription = self._subscriptions[station, priority]
        if received and self._lease_seconds != self._deadline_of(subscription):
            # where that fails the lease is another than meant: no reason to lose what was pulled
            with suppress(EngineError):
                tokens = [it.ack_id for it in received]
                self._set_deadline(subscription, tokens, self._lease_seconds)
        return [self._delivery(station, priority, it) for it in received]

    def _ask(self, station: Station, priority: Priority, limit: int, wait: float | None) -> Any:
        """What is received of one subscription. Without a wait it answers at once."""
        deadline = time.monotonic() + (wait or 0.0)
        subscription = self._subscriptions[station, priority]
        while True:
            left = deadline - time.monotonic()
            try:
                answer = self._asked(subscription, min(limit, 1000), None if wait is None else left)
            except exceptions.DeadlineExceeded:
                if time.monotonic() >= deadline:
                    return []
                continue
            except exceptions.GoogleAPICallError as error:
                if isinstance(error, _PASSING):
                    self._presence.check()
                raise EngineError(f"Pub/Sub: {error}") from error
            received = pubsub.PullResponse.pb(answer).received_messages
            left = deadline - time.monotonic()
            if received or left <= 0:
                return received
            # an empty answer may come at once: not again and again
            time.sleep(min(left, _PAUSE))

    def _asked(self, subscription: str, limit: int, left: float | None) -> Any:
        if left is None:
            return look(self._subscriber, subscription, limit, _LOOK_SECONDS)
        request = pubsub.PullRequest(subscription=subscription, max_messages=limit)
        patience = min(max(left, 0.0), _LONGEST) + _MARGIN
        return self._subscriber.pull(request, retry=None, timeout=patience)

    def _deadline_of(self, subscription: str) -> int:
        """What the subscription leases for; 0 if whoever pulls may not look at it. Asked once:
        where it is what is wanted, no pull needs a second request to change it."""
        known = self._deadlines.get(subscription)
        if known is None:
            try:
                found = self._subscriber.get_subscription(
                    subscription=subscription, timeout=_CALL_SECONDS
                )
                known = found.ack_deadline_seconds
            except exceptions.GoogleAPICallError:
                known = 0
            self._deadlines[subscription] = known
        return known

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        for subscription, tokens in self._by_subscription(deliveries):
            request = _Acknowledge(subscription=subscription, ack_ids=tokens)
            self._call(self._subscriber.acknowledge, pubsub.AcknowledgeRequest.wrap(request))

    def release(self, deliveries: Sequence[Delivery], delay: float = 0.0) -> None:
        for subscription, tokens in self._by_subscription(deliveries):
            self._set_deadline(subscription, tokens, min(_LONGEST_DELAY, math.ceil(delay)))

    def extend(self, deliveries: Sequence[Delivery]) -> None:
        for subscription, tokens in self._by_subscription(deliveries):
            self._set_deadline(subscription, tokens, self._lease_seconds)

    def bury(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            self.condemn(delivery.station, delivery.body)
        self.ack(deliveries)

    def condemn(self, station: Station, body: bytes) -> None:
        """What was for `station`; also what a function was pushed and cannot read."""
        message = _Message(data=body or b"\0", attributes={ORIGIN: str(station)})
        self._publish(self._topics[Station.DEAD_LETTERS, Priority.NORMAL], [message])

    def backlog(self, station: Station) -> int | None:  # noqa: ARG002  Pub/Sub does not tell
        return None

    def _publish(self, topic: str, messages: Sequence[Any]) -> None:
        request = pubsub.PublishRequest.pb()(topic=topic, messages=messages)
        # repeated when unsure: a second message, which every reader expects
        self._call(self._publisher.publish, pubsub.PublishRequest.wrap(request))

    def _set_deadline(self, subscription: str, tokens: Sequence[str], seconds: int) -> None:
        request = _ModifyAckDeadline(
            subscription=subscription, ack_ids=tokens, ack_deadline_seconds=seconds
        )
        wrapped = pubsub.ModifyAckDeadlineRequest.wrap(request)
        self._call(self._subscriber.modify_ack_deadline, wrapped)

    def _call(self, call: Any, request: Any) -> None:
        try:
            call(request, retry=self._again, timeout=_CALL_SECONDS)
        except exceptions.NotFound as error:
            raise EngineError(
                f"Pub/Sub: {error.message}. `fanfold up` makes what is missing on an emulator, "
                "also when that was restarted; in the cloud the deployment does"
            ) from error
        except (exceptions.GoogleAPICallError, exceptions.RetryError) as error:
            raise EngineError(f"Pub/Sub: {error}") from error

    def _is_worth_repeating(self, error: Exception) -> bool:
        """Raises Gone."""
        if not isinstance(error, _PASSING):
            return False
        self._presence.check()
        return True

    def _delivery(self, station: Station, priority: Priority, received: Any) -> Delivery:
        message = received.message
        origin = None
        if station is Station.DEAD_LETTERS:
            name = message.attributes.get(ORIGIN)
            origin = Station(name) if name in set(Station) else None
        return Delivery(
            station,
            message.data,
            max(1, received.delivery_attempt),
            f"{priority.rank}{received.ack_id}",
            origin,
            message.message_id,
            message.attributes.get(trace.TRACEPARENT, ""),
        )

    def _by_subscription(self, deliveries: Sequence[Delivery]) -> Iterator[tuple[str, list[str]]]:
        """A token begins with the rank of the class whose subscription it came from."""
        tokens: dict[tuple[Station, str], list[str]] = {}
        for it in deliveries:
            tokens.setdefault((it.station, it.token[0]), []).append(it.token[1:])
        for (station, rank), its in tokens.items():
            subscription = self._subscriptions[station, PRIORITIES[int(rank)]]
            for start in range(0, len(its), 1000):
                yield subscription, its[start : start + 1000]


def _parts(messages: Sequence[Any]) -> Iterator[list[Any]]:
    part: list[Any] = []
    size = 0
    for message in messages:
        room = len(message.data) + 200
        if part and (len(part) >= _PUBLISH_MESSAGES or size + room > _PUBLISH_BYTES):
            yield part
            part, size = [], 0
        part.append(message)
        size += room
    if part:
        yield part
