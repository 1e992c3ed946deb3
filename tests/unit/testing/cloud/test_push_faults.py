"""What goes wrong on the way to a function: a line each to ask for."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

import pytest
from google.protobuf.duration_pb2 import Duration
from google.pubsub_v1 import types

from fanfold.engines.google.clients import Clients
from fanfold.testing.cloud import Cloud, Fault
from fanfold.testing.cloud.faults import Kind

if TYPE_CHECKING:
    from tests.unit.testing.cloud.conftest import Endpoint

TOPIC, LETTERS = "projects/p/topics/runs", "projects/p/topics/letters"
RUNS, FOLDS = "projects/p/subscriptions/runs", "projects/p/subscriptions/folds"
BACKOFF = 10


class Mail:
    """A topic with two subscriptions, both pushed to one endpoint."""

    def __init__(self, clients: Clients, endpoint: Endpoint) -> None:
        self._publisher = clients.publisher
        self._publisher.create_topic(name=LETTERS)
        self._publisher.create_topic(name=TOPIC)
        backoff = Duration(seconds=BACKOFF)
        for name in (RUNS, FOLDS):
            clients.subscriber.create_subscription(
                request=types.Subscription(
                    name=name,
                    topic=TOPIC,
                    push_config={"push_endpoint": endpoint.url},
                    retry_policy={"minimum_backoff": backoff, "maximum_backoff": backoff},
                    dead_letter_policy={"dead_letter_topic": LETTERS, "max_delivery_attempts": 5},
                )
            )

    def publish(self, *bodies: bytes) -> None:
        messages = [types.PubsubMessage(data=it) for it in bodies]
        self._publisher.publish(topic=TOPIC, messages=messages)


@pytest.fixture
def mail(endpoint: Endpoint, clients: Clients) -> Mail:
    return Mail(clients, endpoint)


def came(endpoint: Endpoint, name: str) -> list[bytes]:
    return [it.data for it in endpoint.pushed if it.envelope["subscription"] == name]


def told(endpoint: Endpoint, name: str) -> list[int]:
    its = [it.envelope for it in endpoint.pushed if it.envelope["subscription"] == name]
    return [it["deliveryAttempt"] for it in its]


def test_every_message_may_come_twice_at_the_same_time(
    cloud: Cloud, mail: Mail, endpoint: Endpoint
) -> None:
    cloud.faults.add(Fault("Push", "duplicate"))
    cloud.pushes.in_flight = 1
    endpoint.hold()
    mail.publish(b"one")
    endpoint.until(lambda: endpoint.waiting == 4)
    endpoint.gate.set()
    cloud.pushes.until_quiet()
    cloud.pass_(BACKOFF)
    cloud.pushes.until_quiet()
    assert came(endpoint, RUNS) == came(endpoint, FOLDS) == [b"one", b"one"]
    assert told(endpoint, RUNS) == [1, 1], "nothing tells them apart"
    done = cloud.operations
    assert (done.calls["Push"], done.delivered[RUNS], done.delivered[FOLDS]) == (4, 2, 2)


@pytest.mark.parametrize(
    ("touching", "times"),
    [("folds", {b"apple": 3, b"pear": 3}), ("pear", {b"apple": 2, b"pear": 4})],
)
def test_a_fault_may_be_for_one_subscription_or_for_what_a_message_says(
    cloud: Cloud, mail: Mail, endpoint: Endpoint, touching: str, times: dict[bytes, int]
) -> None:
    cloud.faults.add(Fault("Push", "duplicate", touching=touching))
    mail.publish(b"apple", b"pear")
    cloud.pushes.until_quiet()
    assert endpoint.times == times


def test_a_success_that_is_not_heard_brings_the_message_again(
    cloud: Cloud, mail: Mail, endpoint: Endpoint
) -> None:
    cloud.faults.add(Fault("Push", "lost-reply", touching="folds", times=1))
    mail.publish(b"one")
    cloud.pushes.until_quiet()
    assert told(endpoint, FOLDS) == [1]
    cloud.pass_(BACKOFF)
    cloud.pushes.until_quiet()
    assert (told(endpoint, FOLDS), told(endpoint, RUNS)) == ([1, 2], [1])


@pytest.mark.parametrize("kind", ["unavailable", "denied"])
def test_what_is_refused_on_the_way_is_an_attempt_that_nobody_sees(
    cloud: Cloud, mail: Mail, endpoint: Endpoint, kind: Kind
) -> None:
    cloud.faults.add(Fault("Push", kind, touching="folds", times=2))
    mail.publish(b"one")
    for _ in range(2):
        cloud.pushes.until_quiet()
        assert told(endpoint, FOLDS) == []
        cloud.pass_(BACKOFF)
    cloud.pushes.until_quiet()
    assert told(endpoint, FOLDS) == [3]
    assert (cloud.operations.calls["Push"], cloud.operations.delivered[FOLDS]) == (4, 1)


def test_what_never_gets_through_becomes_a_dead_letter(
    cloud: Cloud, mail: Mail, endpoint: Endpoint, clients: Clients
) -> None:
    letters = types.Subscription(name="projects/p/subscriptions/letters", topic=LETTERS)
    clients.subscriber.create_subscription(request=letters)
    cloud.faults.add(Fault("Push", "unavailable", touching="folds"))
    mail.publish(b"one")
    for _ in range(5):
        cloud.pushes.until_quiet()
        cloud.pass_(BACKOFF)
    answer = clients.subscriber.pull({"subscription": letters.name, "max_messages": 9}, timeout=9)
    assert [it.message.data for it in answer.received_messages] == [b"one"]
    assert came(endpoint, FOLDS) == []


def test_a_message_may_be_late(cloud: Cloud, mail: Mail, endpoint: Endpoint) -> None:
    cloud.faults.add(Fault("Push", "delay", seconds=0.05, touching="folds"))
    began = monotonic()
    mail.publish(b"one")
    cloud.pushes.until_quiet()
    assert monotonic() - began >= 0.05
    assert [it.envelope["subscription"] for it in endpoint.pushed] == [RUNS, FOLDS]


def test_messages_may_come_in_any_order(cloud: Cloud, mail: Mail, endpoint: Endpoint) -> None:
    sent = [b"%d" % n for n in range(20)]
    cloud.pushes.in_flight = 1
    cloud.faults.add(Fault("Push", "reorder", touching="folds"))
    mail.publish(*sent)
    cloud.pushes.until_quiet()
    assert came(endpoint, RUNS) == sent
    assert came(endpoint, FOLDS) != sent
    assert sorted(came(endpoint, FOLDS)) == sorted(sent)
    assert set(told(endpoint, FOLDS)) == {1}
