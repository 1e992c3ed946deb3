"""Delivering by HTTP: what lies in a subscription that has an endpoint is posted there.

    publish ─▶ lying ─▶ out: take, post ──▶ success: acked, and the next is taken
                 ▲           │
                 └─ back-off ┴ another answer, none in time, a broken connection: given back

Deadlines and back-offs follow the cloud's clock: when a deadline has passed, the connection is cut,
and whoever waits there for an answer hears so.

It follows the service where the official emulator is known to differ from it. The emulator tells no
`deliveryAttempt`, takes 203 for a success and 202 for none, tries first again after a second
whatever the minimum back-off, and keeps as few requests in flight as there are processors. The
service begins with few and doubles; here all that are allowed begin at once.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from http.client import HTTPException
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from fanfold.testing.cloud.faults import Faults, Strikes
from fanfold.testing.cloud.line import Line, Lines
from fanfold.testing.cloud.operations import Meter
from fanfold.testing.cloud.refusal import Refusal
from fanfold.testing.cloud.subscription import Subscription
from fanfold.testing.cloud.topics import Topics

#: requests that one subscription keeps in flight
IN_FLIGHT = 64
SUCCESS = frozenset({102, 200, 201, 202, 204})
_THREADS = 2048


@dataclass(frozen=True, slots=True, eq=False)
class _Post:
    """One delivery of a message."""

    subscription: Subscription
    ack_id: str
    message: Any
    body: bytes
    line: Line
    path: str
    deadline: float
    strikes: Strikes


@dataclass(frozen=True, slots=True)
class _Request:
    """What a fault looks at: `touching` may name a subscription or anything in a message."""

    subscription: str
    message: Any

    def SerializeToString(self) -> bytes:  # noqa: N802  as the other requests have it
        content: bytes = self.message.SerializeToString()
        return self.subscription.encode() + b"\n" + content


class Pushes:
    def __init__(self, topics: Topics, faults: Faults, meter: Meter, in_flight: int) -> None:
        self._in_flight = in_flight
        self._all = topics
        self._faults = faults
        self._meter = meter
        self._lines = Lines()
        self._posts: set[_Post] = set()
        self._cut: set[_Post] = set()
        #: by subscription
        self._busy: Counter[str] = Counter()
        #: of messages that a fault has put behind others: they meet it once
        self._moved: dict[tuple[str, str], Strikes] = {}
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="push")
        self._thread = Thread(target=self._dispatch, name="push-dispatch", daemon=True)
        self._failures: list[BaseException] = []

    @property
    def in_flight(self) -> int:
        """How many requests a subscription keeps in flight."""
        return self._in_flight

    @in_flight.setter
    def in_flight(self, number: int) -> None:
        self._in_flight = number
        self._all.wake()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """After the topics are closed. What is out is not waited for."""
        self._thread.join()
        self._pool.shutdown()
        self._lines.close()
        for failure in self._failures:  # in a thread of the pool nobody would hear of it
            raise failure

    def until_quiet(self) -> None:
        """Until nothing is out, and nothing lies there that could be pushed before time passes."""
        with self._all.changed:
            self._all.changed.wait_for(self._is_quiet)

    def _is_quiet(self) -> bool:
        self._all.let_go()
        return not self._posts and not any(it.lying for it in self._pushed())

    def _pushed(self) -> list[Subscription]:
        return [it for it in self._all.subscriptions.values() if it.endpoint]

    def _start(self, work: Callable[..., None], *arguments: Any) -> None:
        self._pool.submit(work, *arguments).add_done_callback(self._note)

    def _note(self, done: Future[None]) -> None:
        if failure := done.exception():
            self._failures.append(failure)

    # -------------------------------------------------------------- one thread

    def _dispatch(self) -> None:
        with self._all.changed:
            while not self._all.closed:
                dues = [self._all.let_go(), self._cut_overdue()]
                for subscription in self._pushed():
                    room = self.in_flight - self._busy[subscription.name]
                    for _ in range(min(subscription.lying, room)):
                        self._busy[subscription.name] += 1
                        self._start(self._work, subscription)
                self._all.changed.wait(min((it for it in dues if it is not None), default=None))
            for post in self._posts:
                post.line.cut()

    def _cut_overdue(self) -> float | None:
        """In how long there will be more."""
        now = self._all.clock.now()
        waiting = self._posts - self._cut
        for post in waiting:
            if post.deadline <= now:
                self._cut.add(post)
                post.line.cut()
        return min((it.deadline - now for it in waiting - self._cut), default=None)

    # ----------------------------------------------------------------- workers

    def _work(self, subscription: Subscription) -> None:
        while (post := self._next(subscription)) is not None:
            self._deliver(post)

    def _next(self, subscription: Subscription) -> _Post | None:
        with self._all.changed:
            post = None
            is_wanted = self._busy[subscription.name] <= self.in_flight
            if is_wanted and subscription.endpoint and not self._all.closed:
                post = self._take(subscription)
            if post is None:
                self._busy[subscription.name] -= 1
                self._all.changed.notify_all()
            return post

    def _take(self, subscription: Subscription) -> _Post | None:
        while (taken := subscription.take_out()) is not None:
            ack_id, message, attempt = taken
            key = subscription.name, message.message_id
            strikes = self._moved.pop(key, None)
            if strikes is None:
                strikes = self._faults.strike("Push", _Request(subscription.name, message))
                if "reorder" in strikes:
                    self._moved[key] = strikes
                    subscription.put_behind(ack_id, self._all.chance)
                    continue
            host, path = _parts(subscription.endpoint)
            post = _Post(
                subscription,
                ack_id,
                message,
                _body(subscription.name, message, attempt),
                self._lines.take(host),
                path,
                self._all.clock.now() + subscription.ack_deadline,
                strikes,
            )
            self._posts.add(post)
            if "duplicate" in strikes:
                # twice at once, whatever the limit, and nothing tells one from the other
                twin = replace(post, line=self._lines.take(host))
                self._posts.add(twin)
                self._start(self._deliver, twin)
            return post
        return None

    def _deliver(self, post: _Post) -> None:
        name = post.subscription.name
        self._meter.called("Push")
        try:
            post.strikes.before()
            self._meter.delivered(name, [post.message])
            is_done = post.line.post(post.path, post.body) in SUCCESS
            post.strikes.after()
        except (Refusal, OSError, HTTPException):
            is_done = False
            post.line.close()
        with self._all.changed:
            self._posts.discard(post)
            self._cut.discard(post)
            self._lines.rest(post.line)
            if is_done:
                post.subscription.ack(post.ack_id)
            else:
                now = min(self._all.clock.now(), post.deadline)
                post.subscription.give_back(post.ack_id, now)
            if not is_done or not self._posts:
                self._all.changed.notify_all()


@cache
def _parts(endpoint: str) -> tuple[str, str]:
    parts = urlsplit(endpoint)
    return parts.netloc, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _body(subscription: str, message: Any, attempt: int) -> bytes:
    published = message.publish_time.ToJsonString()
    content = {
        "data": b64encode(message.data).decode(),
        "attributes": dict(message.attributes),
        "messageId": message.message_id,
        "message_id": message.message_id,
        "publishTime": published,
        "publish_time": published,
    }
    body: dict[str, Any] = {"message": content, "subscription": subscription}
    if attempt:
        body["deliveryAttempt"] = attempt
    return json.dumps(body).encode()
