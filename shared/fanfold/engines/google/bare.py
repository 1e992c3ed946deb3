"""The bare services: the same records through the same Pub/Sub and Firestore, without our logic.

So many processes, each of which publishes its share of the messages, and then all of them pull
groups, parse them, write a result for each and add to a counter in one commit, and ack, until none
is left; at last one reads all results, as a fold does. By the fastest calls that the client
libraries have: a thousand messages in a pull, five hundred writes in a commit, raw messages
throughout. There are no retries, attempts, errors, limits, order, pages or certificate, and nothing
survives a crash.
"""

from __future__ import annotations

import json
import multiprocessing
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from typing import Any

from google.api_core import exceptions
from google.cloud.firestore_v1 import types as firestore
from google.pubsub_v1 import types as pubsub

from fanfold.engines.google import values
from fanfold.engines.google.clients import Clients, open_clients

_PULL = 1000
_COMMIT = 500
_READERS = 4
_PROJECT = "fanfold-bare"
_NAME = f"projects/{_PROJECT}/{{}}/fanfold-bare"
_DATABASE = f"projects/{_PROJECT}/databases/(default)"
_Message = pubsub.PubsubMessage.pb()
#: for an answer that there is nothing
_PATIENCE = 1.2


@dataclass(frozen=True, slots=True)
class Bare:
    #: from the first message to the last ack
    moving: float
    #: all results, after that
    reading: float


def measure_bare(firestore_host: str, pubsub_host: str, records: int, workers: int) -> Bare:
    processes = multiprocessing.get_context("spawn")
    with open_clients(firestore_host, pubsub_host) as clients:
        _empty(clients)
        start, done = processes.Barrier(workers + 1), processes.SimpleQueue()
        children = [
            processes.Process(
                target=_work,
                args=(firestore_host, pubsub_host, number, workers, records, start, done),
            )
            for number in range(workers)
        ]
        for child in children:
            child.start()
        start.wait()
        begun = time.time()
        ends = [done.get() for _ in children]
        for child in children:
            child.join()
        if (moved := sum(number for number, _ in ends)) != records:
            raise RuntimeError(f"the bare services moved {moved} of {records} records")
        begun_reading = time.time()
        _read(clients, records)
        return Bare(max(at for _, at in ends) - begun, time.time() - begun_reading)


def _place(index: int) -> str:
    """Spread over the keys, as anybody would."""
    return f"{_DATABASE}/documents/bare/{index * 2654435761 % (1 << 32):08x}"


def _read(clients: Clients, records: int) -> None:
    def read(first: int) -> int:
        request = firestore.BatchGetDocumentsRequest.pb()(
            database=_DATABASE,
            documents=[_place(n) for n in range(first, min(first + _COMMIT, records))],
        )
        answers = clients.firestore.batch_get_documents(
            firestore.BatchGetDocumentsRequest.wrap(request), metadata=clients.firestore_metadata
        )
        raws = [firestore.BatchGetDocumentsResponse.pb(answer) for answer in answers]
        return sum(raw.found.fields["output"].string_value == "null" for raw in raws)

    with ThreadPoolExecutor(_READERS) as pool:
        read_ = sum(pool.map(read, range(0, records, _COMMIT)))
    if read_ != records:
        raise RuntimeError(f"the bare services read {read_} of {records} results")


def _empty(clients: Clients) -> None:
    """Topic and subscription, anew; results are replaced."""
    with suppress(exceptions.NotFound):
        clients.subscriber.delete_subscription(subscription=_NAME.format("subscriptions"))
    with suppress(exceptions.AlreadyExists):
        clients.publisher.create_topic(name=_NAME.format("topics"))
    clients.subscriber.create_subscription(
        name=_NAME.format("subscriptions"), topic=_NAME.format("topics"), ack_deadline_seconds=60
    )


def _work(
    firestore_host: str,
    pubsub_host: str,
    number: int,
    workers: int,
    records: int,
    start: Barrier,
    done: Any,
) -> None:
    with open_clients(firestore_host, pubsub_host) as clients:
        start.wait()
        for first in range(number * _PULL, records, workers * _PULL):
            _publish(clients, range(first, min(first + _PULL, records)))
        moved, last = 0, time.time()
        while received := _pull(clients):
            _settle(clients, number, received)
            moved += len(received)
            last = time.time()
        done.put((moved, last))


def _publish(clients: Clients, numbers: range) -> None:
    messages = [
        _Message(data=json.dumps({"v": 1, "index": n, "record": {"n": n}}).encode())
        for n in numbers
    ]
    request = pubsub.PublishRequest.pb()(topic=_NAME.format("topics"), messages=messages)
    clients.publisher.publish(pubsub.PublishRequest.wrap(request))


def _pull(clients: Clients) -> list[Any]:
    request = pubsub.PullRequest(subscription=_NAME.format("subscriptions"), max_messages=_PULL)
    try:
        answer = clients.subscriber.pull(request, retry=None, timeout=_PATIENCE)
    except exceptions.DeadlineExceeded:
        return []
    return list(pubsub.PullResponse.pb(answer).received_messages)


def _settle(clients: Clients, number: int, received: list[Any]) -> None:
    writes = []
    for it in received:
        index = json.loads(it.message.data)["index"]
        writes.append(values.put(_place(index), {"output": "null", "at": time.time()}))
    for first in range(0, len(writes), _COMMIT):
        part = writes[first : first + _COMMIT]
        count = values.put(f"{_DATABASE}/documents/bare-counts/{number}", {"n": len(part)})
        request = firestore.CommitRequest.pb()(database=_DATABASE, writes=[*part, count])
        clients.firestore.commit(
            firestore.CommitRequest.wrap(request), retry=None, metadata=clients.firestore_metadata
        )
    acks = pubsub.AcknowledgeRequest.pb()(
        subscription=_NAME.format("subscriptions"), ack_ids=[it.ack_id for it in received]
    )
    clients.subscriber.acknowledge(pubsub.AcknowledgeRequest.wrap(acks))
