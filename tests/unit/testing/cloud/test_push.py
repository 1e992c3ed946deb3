"""Messages that are posted to functions: acked by their answers, or delivered again.

What does not need the time to be moved is asked of the official emulator too.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from google.api_core import exceptions
from google.protobuf.duration_pb2 import Duration
from google.pubsub_v1 import types

from fanfold.engines.google.clients import Clients, open_clients
from fanfold.engines.google.provision import endpoints, provision
from fanfold.engines.google.resources import SUBSCRIPTIONS
from fanfold.local.emulators import Emulators
from fanfold.ports import Station
from fanfold.testing.cloud import Cloud, running_cloud

if TYPE_CHECKING:
    from tests.unit.testing.cloud.conftest import Endpoint, Pushed

PROJECT = "fanfold-test"
ACK_DEADLINE = 10


class Mail:
    """Topics and subscriptions, each with a name of its own."""

    def __init__(self, clients: Clients) -> None:
        self.clients = clients
        self.topic = self.new_topic()

    def new_topic(self) -> str:
        name = f"projects/{PROJECT}/topics/t{secrets.token_hex(4)}"
        self.clients.publisher.create_topic(name=name)
        return name

    def subscribe(self, url: str = "", topic: str = "", **more: Any) -> str:
        name = f"projects/{PROJECT}/subscriptions/s{secrets.token_hex(4)}"
        self.clients.subscriber.create_subscription(
            request=types.Subscription(
                name=name,
                topic=topic or self.topic,
                ack_deadline_seconds=ACK_DEADLINE,
                push_config={"push_endpoint": url},
                **more,
            )
        )
        return name

    def push_to(self, name: str, url: str) -> None:
        self.clients.subscriber.modify_push_config(
            subscription=name, push_config=types.PushConfig(push_endpoint=url)
        )

    def pushes_to(self, name: str) -> str:
        found = self.clients.subscriber.get_subscription(subscription=name)
        return str(found.push_config.push_endpoint)

    def publish(self, *bodies: bytes, **attributes: str) -> list[str]:
        messages = [types.PubsubMessage(data=it, attributes=attributes) for it in bodies]
        answer = self.clients.publisher.publish(topic=self.topic, messages=messages)
        return list(answer.message_ids)

    def pull(self, name: str) -> list[Any]:
        """Waits for one."""
        while True:
            answer = self.clients.subscriber.pull(
                {"subscription": name, "max_messages": 10}, timeout=5
            )
            if answer.received_messages:
                return list(answer.received_messages)


@pytest.fixture
def mail(endpoint: Endpoint, clients: Clients) -> Mail:  # noqa: ARG001  it outlives the cloud
    return Mail(clients)


@pytest.fixture(params=["stand-in", "emulator"])
def both(endpoint: Endpoint, request: pytest.FixtureRequest) -> Iterator[Mail]:  # noqa: ARG001
    if request.param == "stand-in":
        yield Mail(request.getfixturevalue("clients"))
        return
    emulators: Emulators = request.getfixturevalue("emulators")
    with open_clients(emulators.firestore, emulators.pubsub) as clients:
        yield Mail(clients)


def backing_off(least: int, most: int) -> dict[str, Any]:
    policy = {
        "minimum_backoff": Duration(seconds=least),
        "maximum_backoff": Duration(seconds=most),
    }
    return {"retry_policy": policy}


def as_it_says(pushed: Pushed) -> int | None:
    """The body is the answer that it asks for."""
    return int(pushed.data) if pushed.data.isdigit() else None


class TestOnBoth:
    def test_a_message_is_posted_with_all_that_the_service_tells(
        self, both: Mail, endpoint: Endpoint
    ) -> None:
        name = both.subscribe(endpoint.url)
        (number,) = both.publish(b"hello", kind="greeting")
        endpoint.until(lambda: endpoint.pushed)
        (pushed,) = endpoint.pushed
        published = pushed.envelope["message"].pop("publishTime")
        assert pushed.envelope == {
            "message": {
                "data": "aGVsbG8=",
                "attributes": {"kind": "greeting"},
                "messageId": number,
                "message_id": number,
                "publish_time": published,
            },
            "subscription": name,
        }
        assert published.endswith("Z")
        assert (pushed.path, pushed.content_type) == ("/a/function?of=mine", "application/json")

    def test_a_success_is_an_ack_and_anything_else_brings_it_again(
        self, both: Mail, endpoint: Endpoint
    ) -> None:
        endpoint.reply = as_it_says
        name = both.subscribe(endpoint.url)
        good = [b"102", b"200", b"201", b"204"]
        bad = [b"206", b"301", b"400", b"404", b"429", b"500", b"503", b"broken off"]
        both.publish(*good, *bad)
        endpoint.until(lambda: all(endpoint.times[it] >= 3 for it in bad))
        both.push_to(name, "")
        assert [endpoint.times[it] for it in good] == [1] * len(good)

    def test_what_is_turned_off_is_pulled_and_what_is_turned_on_again_is_pushed(
        self, both: Mail, endpoint: Endpoint
    ) -> None:
        name = both.subscribe(endpoint.url)
        both.push_to(name, "")
        both.publish(b"pulled")
        (got,) = both.pull(name)
        both.clients.subscriber.acknowledge(subscription=name, ack_ids=[got.ack_id])
        both.publish(b"pushed")
        both.push_to(name, endpoint.url)
        endpoint.until(lambda: endpoint.pushed)
        assert (got.message.data, endpoint.bodies) == (b"pulled", [b"pushed"])

    def test_one_can_ask_where_a_subscription_pushes(self, both: Mail) -> None:
        name = both.subscribe()
        assert both.pushes_to(name) == ""
        both.push_to(name, "http://127.0.0.1:9/x")
        assert both.pushes_to(name) == "http://127.0.0.1:9/x"
        both.push_to(name, "")
        assert both.pushes_to(name) == ""

    def test_what_it_refuses_is_refused(self, both: Mail) -> None:
        name = both.subscribe("http://127.0.0.1:9/")
        for url in ("nonsense", "127.0.0.1:9", "ftp://127.0.0.1/"):
            with pytest.raises(exceptions.InvalidArgument):
                both.push_to(name, url)
        assert both.pushes_to(name) == "http://127.0.0.1:9/"
        with pytest.raises(exceptions.NotFound):
            both.push_to(f"{name}x", "")
        with pytest.raises(exceptions.NotFound):
            both.pushes_to(f"{name}x")

    def test_stations_are_provisioned_to_be_pushed_and_to_be_pulled_again(self, both: Mail) -> None:
        clients, prefix = both.clients, f"t{secrets.token_hex(4)}-"
        urls = {station: f"http://127.0.0.1:9/{station}" for station in Station}
        kinds = [(it.station, it.priority) for it in SUBSCRIPTIONS]
        for push in (urls, dict.fromkeys(Station, "")):
            provision(clients.publisher, clients.subscriber, PROJECT, prefix, push=push)
            found = endpoints(clients.subscriber, PROJECT, prefix)
            assert found == {kind: push[kind[0]] for kind in kinds if push[kind[0]]}


def test_what_nobody_listens_for_waits(cloud: Cloud, mail: Mail, endpoint: Endpoint) -> None:
    name = mail.subscribe("http://127.0.0.1:9/", **backing_off(10, 10))
    mail.publish(b"patient")
    cloud.pushes.until_quiet()
    mail.push_to(name, endpoint.url)
    cloud.pass_(10)
    cloud.pushes.until_quiet()
    assert endpoint.bodies == [b"patient"]


def test_also_202_is_a_success_and_203_is_not(cloud: Cloud, mail: Mail, endpoint: Endpoint) -> None:
    """As documented; the emulator has it the other way round."""
    endpoint.reply = as_it_says
    mail.subscribe(endpoint.url, **backing_off(10, 10))
    mail.publish(b"202", b"203")
    cloud.pushes.until_quiet()
    cloud.pass_(10)
    cloud.pushes.until_quiet()
    assert endpoint.times == {b"202": 1, b"203": 2}


def test_what_fails_comes_later_and_later(cloud: Cloud, mail: Mail, endpoint: Endpoint) -> None:
    endpoint.reply = lambda _pushed: 503
    mail.subscribe(endpoint.url, **backing_off(10, 25))
    mail.publish(b"one")
    for tries, backoff in enumerate((10, 20, 25, 25), start=1):
        cloud.pushes.until_quiet()
        cloud.pass_(backoff - 1)
        cloud.pushes.until_quiet()
        assert len(endpoint.pushed) == tries
        cloud.pass_(1)
    cloud.pushes.until_quiet()
    assert len(endpoint.pushed) == 5


def test_without_a_retry_policy_what_fails_comes_at_once(
    cloud: Cloud, mail: Mail, endpoint: Endpoint
) -> None:
    endpoint.reply = lambda _pushed: 503 if len(endpoint.pushed) < 4 else 204
    mail.subscribe(endpoint.url)
    mail.publish(b"one")
    cloud.pushes.until_quiet()
    assert endpoint.bodies == [b"one"] * 4


def test_no_answer_within_the_deadline_is_a_failure_and_a_late_one_is_not_heard(
    cloud: Cloud, mail: Mail, endpoint: Endpoint
) -> None:
    mail.subscribe(endpoint.url, **backing_off(20, 20))
    endpoint.hold()
    mail.publish(b"slow")
    endpoint.until(lambda: endpoint.waiting)
    cloud.pass_(ACK_DEADLINE)
    cloud.pushes.until_quiet()
    endpoint.gate.set()
    endpoint.until(lambda: not endpoint.waiting)
    cloud.pass_(20)
    cloud.pushes.until_quiet()
    assert endpoint.bodies == [b"slow"] * 2


def test_an_answer_within_the_deadline_is_heard(
    cloud: Cloud, mail: Mail, endpoint: Endpoint
) -> None:
    mail.subscribe(endpoint.url)
    endpoint.hold()
    mail.publish(b"slow")
    endpoint.until(lambda: endpoint.waiting)
    cloud.pass_(ACK_DEADLINE - 1)
    mail.publish(b"later")  # when it is out, it has been noticed that time has passed
    endpoint.until(lambda: endpoint.waiting == 2)
    endpoint.gate.set()
    cloud.pushes.until_quiet()
    assert endpoint.bodies == [b"slow", b"later"]


def test_with_dead_letters_attempts_are_told_and_the_last_one_is_the_last(
    cloud: Cloud, mail: Mail, endpoint: Endpoint
) -> None:
    topic = mail.new_topic()
    letters = mail.subscribe(topic=topic)
    policy = {"dead_letter_topic": topic, "max_delivery_attempts": 5}
    mail.subscribe(endpoint.url, dead_letter_policy=policy)
    endpoint.reply = lambda _pushed: 500
    mail.publish(b"poison", kind="k")
    cloud.pushes.until_quiet()
    assert endpoint.attempts == [1, 2, 3, 4, 5]
    (letter,) = mail.pull(letters)
    attributes = letter.message.attributes
    assert (letter.message.data, attributes["kind"]) == (b"poison", "k")
    assert attributes["CloudPubSubDeadLetterSourceDeliveryCount"] == "5"


def test_the_answer_to_what_is_out_counts_although_it_is_pulled_by_now(
    cloud: Cloud, mail: Mail, endpoint: Endpoint
) -> None:
    name = mail.subscribe(endpoint.url)
    endpoint.hold()
    mail.publish(b"out")
    endpoint.until(lambda: endpoint.waiting)
    mail.push_to(name, "")
    endpoint.gate.set()
    endpoint.until(lambda: not endpoint.waiting)
    cloud.pushes.until_quiet()
    cloud.pass_(ACK_DEADLINE)
    mail.publish(b"next")
    assert [it.message.data for it in mail.pull(name)] == [b"next"]


def test_so_many_requests_are_in_flight_and_no_more(
    stuck: Endpoint, cloud: Cloud, mail: Mail, endpoint: Endpoint
) -> None:
    cloud.pushes.in_flight = 3
    mail.subscribe(stuck.url)
    mail.subscribe(endpoint.url)
    mail.publish(*(b"%d" % n for n in range(30)))
    endpoint.until(lambda: len(endpoint.pushed) == 30)
    stuck.until(lambda: stuck.waiting == 3)
    stuck.gate.set()
    cloud.pushes.until_quiet()
    assert (stuck.most, len(stuck.pushed)) == (3, 30)


def test_more_may_be_allowed_in_flight_at_any_time(
    cloud: Cloud, mail: Mail, endpoint: Endpoint
) -> None:
    cloud.pushes.in_flight = 1
    mail.subscribe(endpoint.url)
    endpoint.hold()
    mail.publish(*(b"%d" % n for n in range(10)))
    endpoint.until(lambda: endpoint.waiting == 1)
    cloud.pushes.in_flight = 5
    endpoint.until(lambda: endpoint.waiting == 5)
    endpoint.gate.set()
    cloud.pushes.until_quiet()


def test_a_subscription_does_not_wait_for_another(
    stuck: Endpoint, cloud: Cloud, mail: Mail, endpoint: Endpoint
) -> None:
    cloud.pushes.in_flight = 1
    mail.subscribe(stuck.url)
    mail.subscribe(endpoint.url)
    mail.publish(b"1", b"2", b"3")
    endpoint.until(lambda: len(endpoint.pushed) == 3)
    assert len(stuck.pushed) <= 1
    stuck.gate.set()
    cloud.pushes.until_quiet()
    assert len(stuck.pushed) == 3


def test_a_connection_serves_one_message_after_the_other(
    cloud: Cloud, mail: Mail, endpoint: Endpoint
) -> None:
    cloud.pushes.in_flight = 2
    mail.subscribe(endpoint.url)
    mail.publish(*(b"%d" % n for n in range(100)))
    cloud.pushes.until_quiet()
    assert len({it.connection for it in endpoint.pushed}) <= 2


def test_a_connection_that_was_ended_while_it_rested_costs_no_attempt(
    cloud: Cloud, mail: Mail, endpoint: Endpoint
) -> None:
    policy = {"dead_letter_topic": mail.new_topic(), "max_delivery_attempts": 5}
    mail.subscribe(endpoint.url, dead_letter_policy=policy)
    for body in (b"one", b"two"):
        mail.publish(body)
        cloud.pushes.until_quiet()
        endpoint.hang_up()
    assert endpoint.attempts == [1, 1]


def test_pushes_and_deliveries_are_counted(cloud: Cloud, mail: Mail, endpoint: Endpoint) -> None:
    name = mail.subscribe(endpoint.url)
    other = mail.subscribe(endpoint.url)
    endpoint.reply = lambda _pushed: 503 if len(endpoint.pushed) == 1 else 204
    mail.publish(b"one", b"two")
    cloud.pushes.until_quiet()
    done = cloud.operations
    assert done.calls["Push"] == 5
    assert sorted([done.delivered[name], done.delivered[other]]) == [2, 3]


def test_the_end_waits_for_no_answer(endpoint: Endpoint) -> None:
    others = set(threading.enumerate())  # there may be another cloud
    endpoint.hold()
    with (
        running_cloud() as cloud,
        open_clients(cloud.firestore_host, cloud.pubsub_host) as clients,
    ):
        mail = Mail(clients)
        mail.subscribe(endpoint.url)
        mail.publish(b"one", b"two")
        endpoint.until(lambda: endpoint.waiting == 2)
    assert endpoint.waiting == 2
    left = set(threading.enumerate()) - others
    assert [it for it in left if it.name.startswith("push")] == []
