"""Make the topics and subscriptions of `resources`, where they do not exist: on the emulators and
in tests. In the cloud the deployment makes them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from google.api_core.exceptions import AlreadyExists, NotFound
from google.protobuf.duration_pb2 import Duration
from google.pubsub_v1 import PublisherClient, SubscriberClient
from google.pubsub_v1 import types as pubsub

from fanfold.domain.priority import Priority
from fanfold.engines.google import resources
from fanfold.ports import MAX_DELIVERIES, Station


def provision(
    publisher: PublisherClient,
    subscriber: SubscriberClient,
    project: str,
    prefix: str,
    *,
    push: Mapping[Station, str] | None = None,
    ack_deadline: int | None = None,
    backoff: bool = True,
    max_deliveries: int = MAX_DELIVERIES,
) -> None:
    """`push` names the URL that each station's messages are sent to; without, they are pulled. A
    subscription that is there already stays as it is, but goes where `push` says (an empty URL:
    it is pulled again). Without `backoff` what is given back comes again at once."""
    topics = [_topic(project, prefix, it) for it in resources.SUBSCRIPTIONS]
    for name in [*topics, f"projects/{project}/topics/{resources.events(prefix)}"]:
        with suppress(AlreadyExists):
            publisher.create_topic(request={"name": name})
    letters = f"projects/{project}/topics/{resources.topic(prefix, Station.DEAD_LETTERS)}"
    for it, topic in zip(resources.SUBSCRIPTIONS, topics, strict=True):
        request = pubsub.Subscription(
            name=_subscription(project, prefix, it),
            topic=topic,
            ack_deadline_seconds=ack_deadline or it.ack_deadline,
            # an empty policy: it never expires, however long nothing is published
            expiration_policy=pubsub.ExpirationPolicy(),
        )
        if backoff:
            request.retry_policy = pubsub.RetryPolicy(
                minimum_backoff=Duration(seconds=int(it.min_backoff)),
                maximum_backoff=Duration(seconds=int(it.max_backoff)),
            )
        if it.dead_letters:
            request.dead_letter_policy = pubsub.DeadLetterPolicy(
                dead_letter_topic=letters,
                max_delivery_attempts=max_deliveries,
            )
        if push is not None:
            request.push_config = pubsub.PushConfig(push_endpoint=push[it.station])
        try:
            subscriber.create_subscription(request=request)
        except AlreadyExists:
            if push is not None:  # of functions that were served elsewhere
                subscriber.modify_push_config(
                    subscription=request.name, push_config=request.push_config
                )


def are_provisioned(subscriber: SubscriberClient, project: str, prefix: str) -> bool:
    for it in resources.SUBSCRIPTIONS:
        try:
            subscriber.get_subscription(subscription=_subscription(project, prefix, it))
        except NotFound:
            return False
    return True


def mark(
    publisher: PublisherClient, subscriber: SubscriberClient, project: str, prefix: str, url: str
) -> None:
    """Leave word of whose functions get the messages."""
    topic = f"projects/{project}/topics/{resources.mark(prefix)}"
    request = pubsub.Subscription(
        name=f"projects/{project}/subscriptions/{resources.mark(prefix)}",
        topic=topic,
        push_config=pubsub.PushConfig(push_endpoint=url),
    )
    with suppress(AlreadyExists):
        publisher.create_topic(request={"name": topic})
    try:
        subscriber.create_subscription(request=request)
    except AlreadyExists:
        subscriber.modify_push_config(subscription=request.name, push_config=request.push_config)


def marked(subscriber: SubscriberClient, project: str, prefix: str) -> str:
    """The word that was left; empty if there is none."""
    name = f"projects/{project}/subscriptions/{resources.mark(prefix)}"
    with suppress(NotFound):
        url: str = subscriber.get_subscription(subscription=name).push_config.push_endpoint
        return url
    return ""


def endpoints(
    subscriber: SubscriberClient, project: str, prefix: str
) -> dict[tuple[Station, Priority], str]:
    """The URLs that messages are pushed to, of the subscriptions that are there and push."""
    found: dict[tuple[Station, Priority], str] = {}
    for it in resources.SUBSCRIPTIONS:
        name = _subscription(project, prefix, it)
        with suppress(NotFound):
            url = subscriber.get_subscription(subscription=name).push_config.push_endpoint
            if url:
                found[it.station, it.priority] = url
    return found


def _topic(project: str, prefix: str, it: resources.Subscription) -> str:
    return f"projects/{project}/topics/{resources.topic(prefix, it.station, it.priority)}"


def _subscription(project: str, prefix: str, it: resources.Subscription) -> str:
    name = resources.subscription(prefix, it.station, it.priority)
    return f"projects/{project}/subscriptions/{name}"
