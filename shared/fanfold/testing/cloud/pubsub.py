"""The calls of Pub/Sub that the engine makes."""

from __future__ import annotations

import re
import time
from typing import Any

from google.protobuf.empty_pb2 import Empty
from google.pubsub_v1 import types

from fanfold.testing.cloud.limits import Limits
from fanfold.testing.cloud.operations import Meter
from fanfold.testing.cloud.refusal import already_exists, invalid, not_found, unimplemented
from fanfold.testing.cloud.rpc import Call, Method
from fanfold.testing.cloud.subscription import Subscription
from fanfold.testing.cloud.topics import Topics

_MAX_MESSAGES = 1000
_ACK_SECONDS = 10
_LONGEST_ACK_SECONDS = 600
_ATTEMPTS = range(5, 101)
_PLAIN_URL = re.compile(r"http://[^/?#:]+(:\d+)?([/?].*)?")
_KNOWN = {"name", "topic", "ack_deadline_seconds", "retry_policy", "dead_letter_policy",
          "expiration_policy", "push_config"}  # fmt: skip


class PublisherService:
    name = "google.pubsub.v1.Publisher"

    def __init__(self, topics: Topics, meter: Meter) -> None:
        self._all = topics
        self._meter = meter

    @property
    def methods(self) -> dict[str, Method]:
        return {
            "CreateTopic": Method(types.Topic.pb(), self._create),
            "Publish": Method(types.PublishRequest.pb(), self._publish),
        }

    def _create(self, request: Any, _: Call) -> Any:
        with self._all.changed:
            if request.name in self._all.topics:
                raise already_exists("Topic already exists")
            self._all.topics[request.name] = []
        return request

    def _publish(self, request: Any, _: Call) -> Any:
        if not request.messages:
            raise invalid("No messages to publish")
        if len(request.messages) > _MAX_MESSAGES:
            raise invalid("Too many messages to publish")
        if not all(it.data or it.attributes for it in request.messages):
            raise invalid("Some messages are empty")
        with self._all.changed:
            if request.topic not in self._all.topics:
                raise not_found("Topic not found")
            ids = [self._all.publish(request.topic, it) for it in request.messages]
        self._meter.published(request.topic, request.messages)
        return types.PublishResponse.pb()(message_ids=ids)


class SubscriberService:
    name = "google.pubsub.v1.Subscriber"

    def __init__(self, topics: Topics, limits: Limits, meter: Meter) -> None:
        self._all = topics
        self._limits = limits
        self._meter = meter
        #: as they were asked for
        self._asked: dict[str, Any] = {}

    @property
    def methods(self) -> dict[str, Method]:
        return {
            "CreateSubscription": Method(types.Subscription.pb(), self._create),
            "GetSubscription": Method(types.GetSubscriptionRequest.pb(), self._get),
            "ModifyPushConfig": Method(types.ModifyPushConfigRequest.pb(), self._modify),
            "Pull": Method(types.PullRequest.pb(), self._pull),
            "Acknowledge": Method(types.AcknowledgeRequest.pb(), self._ack),
            "ModifyAckDeadline": Method(types.ModifyAckDeadlineRequest.pb(), self._set_deadline),
        }

    def _create(self, request: Any, _: Call) -> Any:
        unknown = {it.name for it, _ in request.ListFields()} - _KNOWN
        if unknown:
            raise unimplemented(f"subscription with {sorted(unknown)}")
        policy = request.dead_letter_policy
        if not 0 <= request.ack_deadline_seconds <= _LONGEST_ACK_SECONDS:
            raise invalid("ack_deadline_secs out of bounds")
        if policy.dead_letter_topic and policy.max_delivery_attempts not in _ATTEMPTS:
            raise invalid("max_delivery_attempts out of bounds")
        made = Subscription(
            request.name,
            request.ack_deadline_seconds or _ACK_SECONDS,
            request.retry_policy.minimum_backoff.ToTimedelta().total_seconds(),
            request.retry_policy.maximum_backoff.ToTimedelta().total_seconds(),
            policy.max_delivery_attempts if policy.dead_letter_topic else None,
            policy.dead_letter_topic,
            _endpoint_of(request.push_config),
        )
        request.ack_deadline_seconds = int(made.ack_deadline)
        with self._all.changed:
            if request.name in self._all.subscriptions:
                raise already_exists("Subscription already exists")
            if request.topic not in self._all.topics:
                raise not_found("Subscription topic does not exist")
            if made.dead_letters and made.dead_letters not in self._all.topics:
                raise not_found("Dead letter topic not found")
            self._all.subscriptions[request.name] = made
            self._all.topics[request.topic].append(made)
            self._asked[request.name] = request
        return request

    def _get(self, request: Any, _: Call) -> Any:
        with self._all.changed:
            asked = self._asked[self._all.subscription(request.subscription).name]
            return type(asked).FromString(asked.SerializeToString())  # it may be modified

    def _modify(self, request: Any, _: Call) -> Any:
        endpoint = _endpoint_of(request.push_config)
        with self._all.changed:
            subscription = self._all.subscription(request.subscription)
            subscription.endpoint = endpoint
            self._asked[subscription.name].push_config.CopyFrom(request.push_config)
            self._all.changed.notify_all()
        return Empty()

    def _pull(self, request: Any, call: Call) -> Any:
        if not request.max_messages:
            raise invalid("No max_messages specified")
        patience = 0.0 if request.return_immediately else call.patience
        deadline = time.monotonic() + patience - self._limits.pull_margin
        with self._all.changed:
            subscription = self._all.subscription(request.subscription)
            while True:
                due = self._all.let_go()
                if "reorder" in call.strikes:
                    subscription.shuffle(self._all.chance)
                if not call.is_alive:  # who asked has died: what it is given nobody would get
                    taken = []
                    break
                taken = subscription.take(
                    min(request.max_messages, _MAX_MESSAGES),
                    self._all.clock.now(),
                    "duplicate" in call.strikes,
                )
                left = deadline - time.monotonic()
                if taken or left <= 0 or self._all.closed:
                    break
                self._all.changed.wait(left if due is None else min(left, due))
        self._meter.delivered(request.subscription, [message for _, message, _ in taken])
        answer = types.PullResponse.pb()()
        for ack_id, message, attempt in taken:
            answer.received_messages.add(ack_id=ack_id, message=message, delivery_attempt=attempt)
        return answer

    def _ack(self, request: Any, _: Call) -> Any:
        if not request.ack_ids:
            raise invalid("No ack ids specified.")
        with self._all.changed:
            subscription = self._all.subscription(request.subscription)
            for ack_id in request.ack_ids:
                subscription.ack(ack_id)
        return Empty()

    def _set_deadline(self, request: Any, _: Call) -> Any:
        if not request.ack_ids:
            raise invalid("No ack ids specified")
        if not 0 <= request.ack_deadline_seconds <= _LONGEST_ACK_SECONDS:
            raise invalid("Ack deadline out of bounds")
        with self._all.changed:
            subscription = self._all.subscription(request.subscription)
            now = self._all.clock.now()
            for ack_id in request.ack_ids:
                subscription.set_deadline(ack_id, request.ack_deadline_seconds, now)
            self._all.let_go()
            self._all.changed.notify_all()
        return Empty()


def _endpoint_of(config: Any) -> str:
    unknown = {it.name for it, _ in config.ListFields()} - {"push_endpoint"}
    if unknown:
        raise unimplemented(f"push with {sorted(unknown)}")
    endpoint: str = config.push_endpoint
    if endpoint.startswith("https://"):
        raise unimplemented("push by https")
    if endpoint and not _PLAIN_URL.fullmatch(endpoint):
        raise invalid("Unsupported push_endpoint")
    return endpoint
