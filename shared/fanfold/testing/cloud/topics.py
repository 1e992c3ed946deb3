"""All topics and subscriptions, and what goes from one to the other."""

from __future__ import annotations

import random
from itertools import count
from threading import Condition
from typing import Any

from google.pubsub_v1 import types

from fanfold.testing.cloud.clock import CloudClock
from fanfold.testing.cloud.refusal import not_found
from fanfold.testing.cloud.subscription import Subscription

_SOURCE = "CloudPubSubDeadLetterSource"


class Topics:
    """Whoever touches them holds `changed`."""

    def __init__(self, clock: CloudClock, chance: random.Random) -> None:
        self.clock = clock
        self.chance = chance
        self.changed = Condition()
        self.closed = False
        self.topics: dict[str, list[Subscription]] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self._numbers = count(1)

    def publish(self, topic: str, message: Any) -> str:
        message.message_id = str(next(self._numbers))
        message.publish_time.FromMilliseconds(int(self.clock.now() * 1000))
        for subscription in self.topics[topic]:
            subscription.put(message)
        self.changed.notify_all()
        return str(message.message_id)

    def let_go(self) -> float | None:
        """What is due, everywhere: to its queue or the dead letters. In how long there will be
        more."""
        now = self.clock.now()
        for subscription in self.subscriptions.values():
            for message, attempt in subscription.let_go(now):
                _, project, _, name = subscription.name.split("/")
                letter = types.PubsubMessage.pb()(data=message.data, attributes=message.attributes)
                letter.attributes[f"{_SOURCE}DeliveryCount"] = str(attempt)
                letter.attributes[f"{_SOURCE}Subscription"] = name
                letter.attributes[f"{_SOURCE}SubscriptionProject"] = project
                published = message.publish_time.ToJsonString()
                letter.attributes[f"{_SOURCE}TopicPublishTime"] = published
                self.publish(subscription.dead_letters, letter)
        dues = (it.next_due() for it in self.subscriptions.values())
        return min((it - now for it in dues if it is not None), default=None)

    def subscription(self, name: str) -> Subscription:
        if name not in self.subscriptions:
            raise not_found("Subscription does not exist")
        return self.subscriptions[name]

    def wake(self) -> None:
        with self.changed:
            self.changed.notify_all()

    def close(self) -> None:
        self.closed = True
        self.wake()
