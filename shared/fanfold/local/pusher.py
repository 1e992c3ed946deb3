"""Posts a station's messages to its function, as Pub/Sub does in the cloud.

    pull ─▶ post ──2xx──▶ ack
              └─other, broken off──▶ give back, for a pause that doubles

The emulator could push itself, but as it does nobody's functions are pushed to: two requests at a
time, never saying which delivery it is, and none at all any more once two messages have failed
thrice under a back-off (measured; SDK 528). So on a desk we pull, and push as the service does:
many at a time, with the delivery's number, and a back-off of each message's own.

What has been pulled is leased, and the lease renewed: should this process die, another gets it when
that ends.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Condition, Event, Thread
from urllib.parse import urlsplit

from fanfold import log
from fanfold.engines.google.resources import SUBSCRIPTIONS, Subscription, subscription
from fanfold.errors import FanfoldError
from fanfold.local import functions
from fanfold.local.connections import Connections
from fanfold.ports import ORIGIN, Delivery, Queue, Station
from fanfold.settings import Settings

#: an end waits for so long
_PULL_SECONDS = 0.25
_AFTER_AN_ERROR = 0.5
#: for whoever is at something when it ends
_JOIN_SECONDS = 5.0
#: a third of a lease
_EXTEND_SECONDS = 20.0
#: the longest that a request may take, as in the cloud
_REQUEST_SECONDS = 600.0
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

    def backoff(self, attempt: int) -> float:
        return min(self.max_backoff, self.min_backoff * 2.0 ** min(attempt - 1, 20))


class Pusher:
    def __init__(self, queue: Queue, post: Post) -> None:
        self._queue = queue
        self._post = post
        at = urlsplit(post.url)
        self._path = at.path or "/"
        self._connections = Connections(at.netloc, _REQUEST_SECONDS)
        self._held: dict[str, Delivery] = {}
        #: what was held when it was closed
        self._left: list[Delivery] = []
        self._changed = Condition()
        self._closing = Event()
        self._done: SimpleQueue[Delivery | None] = SimpleQueue()
        self._pool = ThreadPoolExecutor(post.in_flight, f"fanfold-push-{post.station}")
        self._threads = [
            Thread(target=work, name=f"fanfold-{name}-{post.station}", daemon=True)
            for name, work in (("pull", self._pull), ("ack", self._ack), ("extend", self._extend))
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """What is being posted will be given back; its function may still finish it, which harms
        nothing."""
        with self._changed:
            self._closing.set()
            self._left = list(self._held.values())
            self._held.clear()
            self._changed.notify_all()
        self._done.put(None)
        self._connections.close()

    def join(self) -> None:
        """After it is closed: a pull is waited for, or what it was given would be leased to
        nobody."""
        self._pool.shutdown(cancel_futures=True)
        for thread in self._threads:
            thread.join(_JOIN_SECONDS)

    # ---------------------------------------------------------------- threads

    def _pull(self) -> None:
        self._pull_until_closing()
        # not before: a pull that still waits would be given it
        self._try("release", lambda: self._queue.release(self._left))

    def _pull_until_closing(self) -> None:
        is_failing = False
        while not self._closing.is_set():
            with self._changed:
                room = self._post.in_flight - len(self._held)
                if room <= 0:
                    self._changed.wait()
                    continue
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

    def _take(self, deliveries: list[Delivery]) -> bool:
        """Unless it is closing."""
        with self._changed:
            if self._closing.is_set():
                return False
            self._held.update((it.token, it) for it in deliveries)
            for delivery in deliveries:
                self._pool.submit(self._deliver, delivery)
        return True

    def _ack(self) -> None:
        """Those together that have come together."""
        ending = False
        while not ending:
            done = [self._done.get()]
            with suppress(Empty):
                while True:
                    done.append(self._done.get_nowait())
            ending = None in done
            acked = [it for it in done if it is not None]
            # one that is not heard is delivered again, and found done
            self._try("ack", lambda acked=acked: self._queue.ack(acked))  # type: ignore[misc]

    def _extend(self) -> None:
        while not self._closing.wait(_EXTEND_SECONDS):
            with self._changed:
                held = list(self._held.values())
            self._try("extend", lambda held=held: self._queue.extend(held))  # type: ignore[misc]

    def _deliver(self, delivery: Delivery) -> None:
        is_done = self._posted(delivery)
        with self._changed:
            was_held = self._held.pop(delivery.token, None)
            self._changed.notify_all()
        if was_held is None:  # given back meanwhile
            return
        if is_done:
            self._done.put(delivery)
        else:
            pause = self._post.backoff(delivery.attempt)
            self._try("release", lambda: self._queue.release([delivery], pause))

    def _posted(self, delivery: Delivery) -> bool:
        headers = {"Content-Type": "application/json"}
        return self._connections.post(self._path, self._body(delivery), headers) in _SUCCESS

    def _body(self, delivery: Delivery) -> bytes:
        attributes = {ORIGIN: str(delivery.origin)} if delivery.origin is not None else {}
        message = {
            "data": b64encode(delivery.body).decode(),
            "messageId": delivery.message_id,
            "attributes": attributes,
        }
        return json.dumps(
            {
                "message": message,
                "subscription": self._post.subscription,
                "deliveryAttempt": delivery.attempt,
            }
        ).encode()

    def _try(self, what: str, call: Callable[[], None]) -> None:
        try:
            call()
        except FanfoldError as error:
            if not self._closing.is_set():
                log.warning(f"push.no_{what}", str(error), station=str(self._post.station))


@contextmanager
def pushing(settings: Settings, urls: Mapping[Station, str]) -> Iterator[None]:
    """Everything that is published, to the functions at these addresses."""
    from fanfold.engines.google.clients import open_clients
    from fanfold.engines.google.queue import PubSubQueue

    project, prefix, host = settings.project, settings.prefix, settings.pubsub_emulator_host
    with open_clients(settings.firestore_emulator_host, host) as clients:
        queue = PubSubQueue(clients.publisher, clients.subscriber, project, prefix, emulator=host)
        pushers = [Pusher(queue, _post(it, urls[it.station], settings)) for it in SUBSCRIPTIONS]
        for pusher in pushers:
            pusher.start()
        try:
            yield
        finally:
            for pusher in pushers:
                pusher.close()
            for pusher in pushers:
                pusher.join()


def _post(it: Subscription, url: str, settings: Settings) -> Post:
    name = subscription(settings.prefix, it.station)
    return Post(
        it.station,
        url,
        f"projects/{settings.project}/subscriptions/{name}",
        functions.requests_of(functions.SERVES[it.station], settings),
        it.min_backoff,
        it.max_backoff,
    )
