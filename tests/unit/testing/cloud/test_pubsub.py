"""Messages on the stand-in: leased, given back, dead."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from google.api_core import exceptions
from google.protobuf.duration_pb2 import Duration
from google.pubsub_v1 import types

from fanfold.engines.google.clients import Clients
from fanfold.testing.cloud import Cloud, Fault

TOPIC, LETTERS = "projects/p/topics/t", "projects/p/topics/letters"


class Desk:
    """A topic and a subscription of it."""

    def __init__(self, clients: Clients) -> None:
        self.clients = clients
        clients.publisher.create_topic(name=TOPIC)
        clients.publisher.create_topic(name=LETTERS)

    def subscribe(self, name: str = "s", topic: str = TOPIC, **more: Any) -> None:
        self.clients.subscriber.create_subscription(
            request=types.Subscription(
                name=f"projects/p/subscriptions/{name}",
                topic=topic,
                ack_deadline_seconds=10,
                **more,
            )
        )

    def publish(self, *bodies: bytes, **attributes: str) -> None:
        messages = [types.PubsubMessage(data=it, attributes=attributes) for it in bodies]
        self.clients.publisher.publish(topic=TOPIC, messages=messages)

    def pull(self, limit: int = 10, timeout: float = 0.1, name: str = "s") -> list[Any]:
        request = {"subscription": f"projects/p/subscriptions/{name}", "max_messages": limit}
        return list(self.clients.subscriber.pull(request, timeout=timeout).received_messages)

    def ack(self, messages: Sequence[Any]) -> None:
        self.clients.subscriber.acknowledge(
            subscription="projects/p/subscriptions/s", ack_ids=[it.ack_id for it in messages]
        )

    def lease(self, messages: Sequence[Any], seconds: int) -> None:
        self.clients.subscriber.modify_ack_deadline(
            subscription="projects/p/subscriptions/s",
            ack_ids=[it.ack_id for it in messages],
            ack_deadline_seconds=seconds,
        )


@pytest.fixture
def desk(clients: Clients) -> Desk:
    return Desk(clients)


def bodies(messages: Sequence[Any]) -> list[bytes]:
    return [it.message.data for it in messages]


def test_a_pull_waits_for_a_message(desk: Desk) -> None:
    desk.subscribe()
    with ThreadPoolExecutor() as pool:
        pulling = pool.submit(desk.pull, timeout=20)
        desk.publish(b"late")
        assert bodies(pulling.result()) == [b"late"]


def test_a_pull_answers_empty_before_its_caller_gives_up(desk: Desk) -> None:
    desk.subscribe()
    assert desk.pull(timeout=0.3) == []


def test_a_waiting_pull_gets_what_time_sets_free(cloud: Cloud, desk: Desk) -> None:
    desk.subscribe()
    desk.publish(b"one")
    desk.pull()
    with ThreadPoolExecutor() as pool:
        pulling = pool.submit(desk.pull, timeout=20)
        cloud.pass_(11)
        assert bodies(pulling.result()) == [b"one"]


def test_a_lease_may_be_renewed_and_ends_in_its_time(cloud: Cloud, desk: Desk) -> None:
    desk.subscribe()
    desk.publish(b"one")
    first = desk.pull()
    cloud.pass_(9)
    desk.lease(first, 10)
    cloud.pass_(9)
    assert desk.pull() == []
    cloud.pass_(2)
    assert bodies(desk.pull()) == [b"one"]


def test_an_ack_that_is_late_counts_until_the_message_is_delivered_again(
    cloud: Cloud, desk: Desk
) -> None:
    desk.subscribe()
    desk.publish(b"one")
    first = desk.pull()
    cloud.pass_(11)
    desk.ack(first)
    assert desk.pull() == []
    desk.publish(b"two")
    first = desk.pull()
    cloud.pass_(11)
    second = desk.pull()
    desk.ack(first)
    desk.lease(first, 0)
    assert desk.pull() == []
    desk.lease(second, 0)
    assert bodies(desk.pull()) == [b"two"]


def test_an_ack_after_giving_it_back_is_too_late(desk: Desk) -> None:
    desk.subscribe()
    desk.publish(b"one")
    first = desk.pull()
    desk.lease(first, 0)
    desk.ack(first)
    assert bodies(desk.pull()) == [b"one"]


def test_what_is_given_back_comes_later_and_later(cloud: Cloud, desk: Desk) -> None:
    desk.subscribe(
        retry_policy={
            "minimum_backoff": Duration(seconds=10),
            "maximum_backoff": Duration(seconds=25),
        }
    )
    desk.publish(b"one")
    for backoff in (10, 20, 25, 25):
        desk.lease(desk.pull(), 0)
        cloud.pass_(backoff - 1)
        assert desk.pull() == []
        cloud.pass_(1)
    assert bodies(desk.pull()) == [b"one"]


def test_what_is_delivered_too_often_becomes_a_dead_letter(cloud: Cloud, desk: Desk) -> None:
    desk.subscribe("letters", LETTERS)
    desk.subscribe(dead_letter_policy={"dead_letter_topic": LETTERS, "max_delivery_attempts": 5})
    desk.publish(b"poison", kind="k")
    for attempt in range(1, 6):
        (delivered,) = desk.pull()
        assert delivered.delivery_attempt == attempt
        cloud.pass_(11)
    assert desk.pull() == []
    (letter,) = desk.pull(name="letters")
    assert (letter.message.data, letter.delivery_attempt) == (b"poison", 0)
    assert letter.message.attributes["kind"] == "k"
    assert letter.message.attributes["CloudPubSubDeadLetterSourceDeliveryCount"] == "5"
    assert letter.message.attributes["CloudPubSubDeadLetterSourceSubscription"] == "s"


def test_without_dead_letters_attempts_are_not_told(desk: Desk) -> None:
    desk.subscribe()
    desk.publish(b"one")
    assert desk.pull()[0].delivery_attempt == 0


def test_each_subscription_gets_each_message(desk: Desk) -> None:
    desk.subscribe()
    desk.subscribe("other")
    desk.publish(b"one")
    assert bodies(desk.pull()) == bodies(desk.pull(name="other")) == [b"one"]


def test_a_duplicate_is_the_same_message_once_more(cloud: Cloud, desk: Desk) -> None:
    desk.subscribe()
    desk.publish(b"one", b"two")
    cloud.faults.add(Fault("Pull", "duplicate", nth=1))
    first, again = desk.pull(), desk.pull()
    assert bodies(first) == bodies(again) == [b"one", b"two"]
    assert first[0].message.message_id == again[0].message.message_id
    assert desk.pull() == []


def test_messages_may_come_in_any_order(cloud: Cloud, desk: Desk) -> None:
    desk.subscribe()
    sent = [b"%d" % n for n in range(20)]
    desk.publish(*sent)
    cloud.faults.add(Fault("Pull", "reorder"))
    came = bodies(desk.pull(20))
    assert came != sent
    assert sorted(came) == sorted(sent)


def test_what_the_service_refuses_is_refused(desk: Desk) -> None:
    desk.subscribe()
    with pytest.raises(exceptions.AlreadyExists):
        desk.subscribe()
    with pytest.raises(exceptions.AlreadyExists):
        desk.clients.publisher.create_topic(name=TOPIC)
    with pytest.raises(exceptions.NotFound):
        desk.subscribe("other", "projects/p/topics/none")
    with pytest.raises(exceptions.NotFound):
        desk.pull(name="none")
    for refused in ([], [b""], [b"x"] * 1001):
        with pytest.raises(exceptions.InvalidArgument):
            desk.publish(*refused)
    with pytest.raises(exceptions.InvalidArgument):
        desk.clients.subscriber.acknowledge(
            subscription="projects/p/subscriptions/s", ack_ids=["nonsense"]
        )
