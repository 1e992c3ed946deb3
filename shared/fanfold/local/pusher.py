"""Posts a station's messages to its function, as Pub/Sub does in the cloud.

    pull ─▶ post ──2xx──▶ ack
              └─other, broken off, too late──▶ give back, for a pause that doubles

The emulator could push itself, but as it does nobody's functions are pushed to: two requests at a
time, never saying which delivery it is, and none at all any more once two messages have failed
thrice under a back-off (measured; SDK 528). So on a desk we pull, and push as the service does:
many at a time, more while answers come quickly, with the delivery's number, a time limit, and a
back-off of each message's own.

One thread pulls, an event loop posts, one thread acks and gives back: what comes together goes on
together, and no request that waits for its answer takes a thread.

What has been pulled is leased, and the lease renewed: should this process die, another gets it when
that ends.
"""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from math import exp
from queue import Empty, SimpleQueue
from threading import Condition, Event, Thread
from time import monotonic
from urllib.parse import urlsplit

from fanfold import log
from fanfold.engines.google.resources import SUBSCRIPTIONS, Subscription, subscription
from fanfold.errors import FanfoldError
from fanfold.local import functions
from fanfold.local.connections import Connections
from fanfold.ports import ORIGIN, Delivery, Queue, Station
from fanfold.settings import Settings
from fanfold.trace import TRACEPARENT

#: an end waits for so long
_PULL_SECONDS = 0.25
#: answers that come within so long of each other make room for one pull
_GATHER_SECONDS = 0.005
_AFTER_AN_ERROR = 0.5
#: for whoever is at something when it ends
_JOIN_SECONDS = 5.0
#: a third of a lease
_EXTEND_SECONDS = 20.0
_SUCCESS = frozenset({102, 200, 201, 202, 204})


@dataclass(frozen=True, slots=True)
class Post:
    """Where a station's messages go, and how."""

    station: Station
    url: str
    #: as the service names it in every request
    subscription: str
    #: requests at once
    in_flight: int
    min_backoff: float
    max_backoff: float
    #: Seconds that a request may take. Then it is given up and its message delivered again, though
    #: its function may still be at it.
    deadline: float = 600.0
    #: Requests at once while answers come quickly, if that is more. What is sent ahead is no more
    #: than so many seconds of work: whoever gets it is not slow just because there is so much.
    quick_in_flight: int = 0
    ahead_seconds: float = 0.25

    def backoff(self, attempt: int) -> float:
        return min(self.max_backoff, self.min_backoff * 2.0 ** min(attempt - 1, 20))


class Pusher:
    def __init__(self, queue: Queue, post: Post) -> None:
        self._queue = queue
        self._post = post
        #: how many messages it has acked
        self.acked = 0
        self._held: dict[str, Delivery] = {}
        #: what was held when it was closed
        self._left: list[Delivery] = []
        #: how many were done with of late, as of then
        self._recent = 0.0
        self._recent_at = 0.0
        self._changed = Condition()
        self._closing = Event()
        #: with the pause after which one comes again that is not done with
        self._ended: SimpleQueue[tuple[Delivery, float | None] | None] = SimpleQueue()
        self._loop = _Loop(post, self._answered)
        self._threads = [
            Thread(target=work, name=f"fanfold-{name}-{post.station}", daemon=True)
            for name, work in (
                ("post", self._loop.run),
                ("pull", self._pull),
                ("ack", self._ack),
                ("extend", self._extend),
            )
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """What is being posted will be given back; its function may still finish it, which harms
        nothing."""
        with self._changed:
            if self._closing.is_set():
                return
            self._closing.set()
            self._left = list(self._held.values())
            self._held.clear()
            self._changed.notify_all()
        self._ended.put(None)
        self._loop.close()

    def join(self) -> None:
        """After it is closed: a pull is waited for, or what it was given would be leased to
        nobody."""
        for thread in self._threads:
            thread.join(_JOIN_SECONDS)

    # ---------------------------------------------------------------- threads

    def _pull(self) -> None:
        self._pull_until_closing()
        # not before: a pull that still waits would be given it
        self._try("release", lambda: self._queue.release(self._left))

    def _pull_until_closing(self) -> None:
        is_failing = False
        while room := self._room():
            try:
                deliveries = self._queue.pull(self._post.station, room, _PULL_SECONDS)
            except FanfoldError as error:
                if not is_failing:  # said once, until it has gone well again
                    log.warning("push.no_pull", str(error), station=str(self._post.station))
                is_failing = True
                self._closing.wait(_AFTER_AN_ERROR)
                continue
            is_failing = False
            if not self._take(deliveries):
                self._try("release", lambda held=deliveries: self._queue.release(held))  # type: ignore[misc]

    def _room(self) -> int:
        """For so many more, as soon as there is some; 0 only when it is closing."""
        while not self._closing.is_set():
            with self._changed:
                self._changed.wait_for(lambda: self._closing.is_set() or self._free() > 0)
            if self._free() < self._window() // 4:
                self._closing.wait(_GATHER_SECONDS)
            # what may be in flight gets fewer by itself, too
            if room := self._free():
                return room
        return 0

    def _free(self) -> int:
        return max(0, self._window() - len(self._held))

    def _window(self) -> int:
        """Requests at once, just now."""
        most = max(self._post.in_flight, self._post.quick_in_flight)
        return min(most, self._post.in_flight + int(self._done_of_late(monotonic())))

    def _done_of_late(self, now: float) -> float:
        """Those of so many seconds that fade with time."""
        return self._recent * exp((self._recent_at - now) / self._post.ahead_seconds)

    def _take(self, deliveries: list[Delivery]) -> bool:
        """Unless it is closing."""
        with self._changed:
            if self._closing.is_set():
                return False
            self._held.update((it.token, it) for it in deliveries)
            self._loop.post(deliveries)
        return True

    def _answered(self, delivery: Delivery, status: int | None) -> None:
        """Called in the loop's thread."""
        is_done = status in _SUCCESS
        if is_done:
            now = monotonic()
            self._recent, self._recent_at = self._done_of_late(now) + 1.0, now
        with self._changed:
            was_held = self._held.pop(delivery.token, None)
            self._changed.notify()
        if was_held is not None:  # it is not given back already
            pause = None if is_done else self._post.backoff(delivery.attempt)
            self._ended.put((delivery, pause))

    def _ack(self) -> None:
        """Those together that have come together."""
        is_last = False
        while not is_last:
            ended = [self._ended.get()]
            with suppress(Empty):
                while True:
                    ended.append(self._ended.get_nowait())
            is_last = None in ended
            groups: dict[float | None, list[Delivery]] = {}
            for delivery, pause in filter(None, ended):
                groups.setdefault(pause, []).append(delivery)
            for pause, group in groups.items():
                self._end(group, pause)

    def _end(self, deliveries: list[Delivery], pause: float | None) -> None:
        if pause is not None:
            self._try("release", lambda: self._queue.release(deliveries, pause))
            return
        # one that is not heard is delivered again, and found done
        self._try("ack", lambda: self._queue.ack(deliveries))
        self.acked += len(deliveries)

    def _extend(self) -> None:
        while not self._closing.wait(_EXTEND_SECONDS):
            with self._changed:
                held = list(self._held.values())
            self._try("extend", lambda held=held: self._queue.extend(held))  # type: ignore[misc]

    def _try(self, what: str, call: Callable[[], None]) -> None:
        try:
            call()
        except FanfoldError as error:
            if not self._closing.is_set():
                log.warning(f"push.no_{what}", str(error), station=str(self._post.station))


class _Loop:
    """Posts, in an event loop of its own."""

    def __init__(self, post: Post, answered: Callable[[Delivery, int | None], None]) -> None:
        """`answered` is told the status, or None if there was no answer."""
        self._post = post
        self._answered = answered
        at = urlsplit(post.url)
        self._host, self._port = at.hostname or "", at.port or 80
        self._head = (
            f"POST {at.path or '/'} HTTP/1.1\r\nHost: {at.netloc}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        ).encode()
        self._subscription = json.dumps(post.subscription)
        self._began = Event()

    def run(self) -> None:
        """Until it is closed."""
        asyncio.run(self._run())

    async def _run(self) -> None:
        self._running = asyncio.get_running_loop()
        self._closed = asyncio.Event()
        self._connections = Connections(self._host, self._port, self._post.deadline)
        self._began.set()
        await self._closed.wait()
        await self._connections.close()

    def close(self) -> None:
        self._began.wait()
        self._running.call_soon_threadsafe(self._closed.set)

    def post(self, deliveries: list[Delivery]) -> None:
        self._began.wait()
        self._running.call_soon_threadsafe(self._post_all, deliveries)

    def _post_all(self, deliveries: list[Delivery]) -> None:
        for it in deliveries:
            self._connections.post(self._request(it), partial(self._answered, it))

    def _request(self, delivery: Delivery) -> bytes:
        """One for each record: put together by hand."""
        attributes = json.dumps(_attributes_of(delivery))
        body = (
            f'{{"message":{{"data":"{b64encode(delivery.body).decode()}",'
            f'"messageId":{json.dumps(delivery.message_id)},"attributes":{attributes}}},'
            f'"subscription":{self._subscription},"deliveryAttempt":{delivery.attempt}}}'
        ).encode()
        return b"%b%d\r\n\r\n%b" % (self._head, len(body), body)


def _attributes_of(delivery: Delivery) -> dict[str, str]:
    """Those that a function reads."""
    origin = {} if delivery.origin is None else {ORIGIN: str(delivery.origin)}
    return origin | ({TRACEPARENT: delivery.trace} if delivery.trace else {})


@contextmanager
def pushing(settings: Settings, urls: Mapping[Station, str]) -> Iterator[None]:
    """Everything that is published, to the functions at these addresses."""
    from fanfold.engines.google.clients import open_clients
    from fanfold.engines.google.queue import PubSubQueue

    project, prefix, host = settings.project, settings.prefix, settings.pubsub_emulator_host
    with open_clients(settings.firestore_emulator_host, host) as clients:
        open_queue = partial(
            PubSubQueue, clients.publisher, clients.subscriber, project, prefix, emulator=host
        )
        # one for each class: as the service does it, none waits for another
        pushers = [
            Pusher(open_queue(only=it.priority), post_of(it, urls[it.station], settings))
            for it in SUBSCRIPTIONS
        ]
        for pusher in pushers:
            pusher.start()
        try:
            yield
        finally:
            for pusher in pushers:
                pusher.close()
            for pusher in pushers:
                pusher.join()


def post_of(it: Subscription, url: str, settings: Settings) -> Post:
    """To its function, which is there."""
    name = subscription(settings.prefix, it.station, it.priority)
    served = functions.SERVES[it.station]
    return Post(
        it.station,
        url,
        f"projects/{settings.project}/subscriptions/{name}",
        functions.requests_of(served, settings),
        it.min_backoff,
        it.max_backoff,
        it.ack_deadline,
        functions.quick_requests_of(served, settings),
    )
