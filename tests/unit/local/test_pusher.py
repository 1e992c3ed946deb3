"""Our own push: each message to its function, until the function says that it is done."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Lock, Thread
from threading import enumerate as enumerate_threads
from typing import Any

import pytest

from fanfold.domain.priority import PRIORITIES, Priority
from fanfold.engines.embedded.engine import embedded_engine
from fanfold.engines.google.resources import SUBSCRIPTIONS
from fanfold.local.addresses import free_port
from fanfold.local.functions import requests_of
from fanfold.local.pusher import Post, Pusher, post_of, pushing
from fanfold.local.topics import ensure_topics
from fanfold.ports import Delivery, Ports, Station
from fanfold.settings import Settings
from fanfold.testing.cloud import running_cloud
from fanfold.testing.faults import Fault, lose_reply, with_faults
from fanfold.testing.working import until
from fanfold.wiring import open_google


@dataclass
class Function:
    """What is posted to."""

    url: str = ""
    #: its answers in turn, the last one for ever; None: the connection breaks off
    answers: list[int | None] = field(default_factory=lambda: [204])
    posts: list[Any] = field(default_factory=list)
    gate: Event = field(default_factory=Event)
    lock: Lock = field(default_factory=Lock)
    busy: int = 0
    most: int = 0

    def serve(self, post: Any) -> int | None:
        with self.lock:
            self.posts.append(post)
            self.busy += 1
            self.most = max(self.most, self.busy)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.gate.wait(30)
        with self.lock:
            self.busy -= 1
        return answer

    @property
    def bodies(self) -> list[str]:
        return [b64decode(it["message"]["data"]).decode() for it in self.posts]


@pytest.fixture
def function() -> Iterator[Function]:
    it = Function()
    it.gate.set()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            answer = it.serve(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            if answer is None:
                self.close_connection = True
                return
            self.send_response(answer)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        it.url = f"http://127.0.0.1:{server.server_port}/"
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield it
        it.gate.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[Ports]:
    with embedded_engine(tmp_path) as ports:
        yield ports


Push = Callable[..., Pusher]


@pytest.fixture
def push(ports: Ports, function: Function) -> Iterator[Push]:
    with ExitStack() as held:

        def pushing(ports: Ports = ports, **changes: Any) -> Pusher:
            post = Post(Station.RUNS, function.url, "projects/p/subscriptions/s", 4, 0.01, 0.04)
            pusher = Pusher(ports.queue, replace(post, **changes))
            pusher.start()
            held.callback(pusher.join)
            held.callback(pusher.close)
            return pusher

        yield pushing


def is_empty(ports: Ports) -> bool:
    return ports.queue.backlog(Station.RUNS) == 0


def test_a_message_is_posted_as_the_service_does_it_and_acked(
    push: Push, ports: Ports, function: Function
) -> None:
    ports.queue.publish(Station.RUNS, "b", [b"hello"])
    push()
    until(lambda: is_empty(ports))
    (post,) = function.posts
    assert b64decode(post["message"]["data"]) == b"hello"
    assert post["message"]["messageId"]
    assert (post["subscription"], post["deliveryAttempt"]) == ("projects/p/subscriptions/s", 1)


def test_a_dead_letter_says_which_station_it_was_for(
    push: Push, ports: Ports, function: Function
) -> None:
    ports.queue.condemn(Station.FINALIZATIONS, b"unreadable")
    push(station=Station.DEAD_LETTERS)
    until(lambda: function.posts)
    assert function.posts[0]["message"]["attributes"] == {"fanfold_station": "finalizations"}


@pytest.mark.parametrize("answer", [500, 503, 404, 302, None])
def test_what_is_not_done_comes_again_and_says_how_often_it_has(
    push: Push, ports: Ports, function: Function, answer: int | None
) -> None:
    function.answers = [answer, answer, 200]
    ports.queue.publish(Station.RUNS, "b", [b"x"])
    push()
    until(lambda: is_empty(ports))
    assert [it["deliveryAttempt"] for it in function.posts] == [1, 2, 3]
    assert len({it["message"]["messageId"] for it in function.posts}) == 1


def test_what_keeps_failing_waits_twice_as_long_each_time_up_to_a_limit() -> None:
    post = Post(Station.RUNS, "", "", 1, min_backoff=1.0, max_backoff=60.0)
    waits = [post.backoff(attempt) for attempt in (1, 2, 3, 6, 7, 1000)]
    assert waits == [1.0, 2.0, 4.0, 32.0, 60.0, 60.0]


def test_nobody_there_is_like_an_answer_that_fails(
    push: Push, ports: Ports, function: Function
) -> None:
    ports.queue.publish(Station.RUNS, "b", [b"x"])
    push(url=f"http://127.0.0.1:{free_port()}/").close()
    push()
    until(lambda: is_empty(ports))
    assert function.bodies[-1] == "x"


def test_no_more_are_in_flight_than_may_be(push: Push, ports: Ports, function: Function) -> None:
    function.gate.clear()
    ports.queue.publish(Station.RUNS, "b", [b"%d" % n for n in range(30)])
    push(in_flight=3)
    until(lambda: function.busy == 3)
    function.gate.set()
    until(lambda: is_empty(ports))
    assert function.most == 3
    assert sorted(function.bodies, key=int) == [str(n) for n in range(30)]


def test_more_are_in_flight_while_answers_come_quickly(
    push: Push, ports: Ports, function: Function
) -> None:
    ports.queue.publish(Station.RUNS, "b", [b"quick"] * 100)
    pusher = push(
        in_flight=2, quick_in_flight=7, ahead_seconds=1e9
    )  # it counts as of late for ever
    until(lambda: pusher.acked == 100)
    function.gate.clear()
    ports.queue.publish(Station.RUNS, "b", [b"x"] * 30)
    until(lambda: function.busy == 7)
    function.gate.set()
    until(lambda: pusher.acked == 130)
    assert function.most == 7


def test_all_goes_through_while_that_changes_all_the_time(push: Push, ports: Ports) -> None:
    """What was allowed a moment ago may be too many now."""
    ports.queue.publish(Station.RUNS, "b", [b"x"] * 3000)
    pusher = push(in_flight=8, quick_in_flight=50, ahead_seconds=0.005)
    until(lambda: pusher.acked == 3000)


def test_no_more_are_in_flight_than_usual_while_answers_fail(
    push: Push, ports: Ports, function: Function
) -> None:
    function.answers = [503]
    ports.queue.publish(Station.RUNS, "b", [b"x"] * 30)
    push(in_flight=2, quick_in_flight=7, ahead_seconds=1e9)
    until(lambda: len(function.posts) >= 60)
    function.gate.clear()
    until(lambda: function.busy == 2)
    others: list[Delivery] = []

    def all_others_lie_there() -> bool:
        others.extend(ports.queue.pull(Station.RUNS, 30))
        return len(others) == 28

    until(all_others_lie_there)


def test_a_request_that_takes_too_long_is_given_up_and_its_message_comes_again(
    push: Push, ports: Ports, function: Function
) -> None:
    """Though the function is still at it, as with the service."""
    function.gate.clear()
    ports.queue.publish(Station.RUNS, "b", [b"x"])
    push(deadline=0.05)
    until(lambda: function.busy == 2)
    function.gate.set()
    until(lambda: is_empty(ports))
    assert [it["deliveryAttempt"] for it in function.posts[:2]] == [1, 2]


def test_the_time_limit_of_a_request_is_its_subscriptions_deadline() -> None:
    for it in SUBSCRIPTIONS:
        post = post_of(it, "http://127.0.0.1:1/", Settings())
        assert (post.station, post.deadline) == (it.station, it.ack_deadline)


def test_each_class_of_runs_is_pushed_and_none_waits_for_another(function: Function) -> None:
    """As by the service: from a subscription each, in no order."""

    def subscriptions() -> dict[str, str]:
        posts = zip(function.bodies, list(function.posts), strict=False)
        return {body: post["subscription"].rpartition("/")[2] for body, post in posts}

    function.gate.clear()
    with running_cloud() as cloud:
        settings = Settings.from_env().model_copy(
            update={
                "engine": "google",
                "firestore_emulator_host": cloud.firestore_host,
                "pubsub_emulator_host": cloud.pubsub_host,
            }
        )
        ensure_topics(settings)
        with (
            open_google(settings) as ports,
            pushing(settings, dict.fromkeys(Station, function.url)),
        ):
            ports.queue.publish(Station.RUNS, "b", [b"high"] * 500, Priority.HIGH)
            until(lambda: function.busy == requests_of("run_flow", settings))
            for it in PRIORITIES:
                ports.queue.publish(Station.RUNS, "b", [it.encode()], it)
            until(lambda: len(subscriptions()) == len(PRIORITIES))
            function.gate.set()
    assert subscriptions() == {
        "high": "fanfold-runs-high",
        "normal": "fanfold-runs",
        "low": "fanfold-runs-low",
    }


def test_what_is_in_flight_when_it_ends_is_given_back(
    push: Push, ports: Ports, function: Function
) -> None:
    function.gate.clear()
    ports.queue.publish(Station.RUNS, "b", [b"x"])
    pusher = push()
    until(lambda: function.busy == 1)
    pusher.close()
    pusher.join()
    (again,) = ports.queue.pull(Station.RUNS, 10)
    assert (again.body, again.attempt) == (b"x", 2)


def test_it_ends_also_when_acks_wait_for_their_turn(
    push: Push, ports: Ports, function: Function
) -> None:
    gate = Event()

    def wait() -> None:
        gate.wait(30)

    slow = Fault("queue", "ack", "before", wait)
    ports.queue.publish(Station.RUNS, "b", [b"1", b"2", b"3"])
    pusher = push(with_faults(ports, [slow]), in_flight=1)
    until(lambda: len(function.posts) == 3)  # the second waits to be acked, the first is being so
    pusher.close()
    gate.set()
    pusher.join()
    assert [it.name for it in enumerate_threads() if it.name == "fanfold-ack-runs"] == []


@pytest.mark.parametrize("verb", ["pull", "ack", "release"])
def test_a_queue_that_fails_now_and_then_loses_nothing(
    push: Push, ports: Ports, function: Function, verb: str
) -> None:
    function.answers = [500, 204]
    ports.queue.publish(Station.RUNS, "b", [b"%d" % n for n in range(20)])
    push(with_faults(ports, [Fault("queue", verb, "before", lose_reply, nth=2)]))
    until(lambda: len(set(function.bodies)) == 20)
