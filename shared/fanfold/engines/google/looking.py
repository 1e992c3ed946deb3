"""A pull that answers at once.

The service has a flag for it and advises against it, since it may then answer empty though there is
something: no harm to who looks again soon. The client warns of it at each call, in a way that
cannot be silenced for one thread alone. So this goes past the client, to its transport.
"""

from __future__ import annotations

from typing import Any

import grpc
from google.api_core import exceptions
from google.api_core.gapic_v1.routing_header import to_grpc_metadata
from google.pubsub_v1 import SubscriberClient
from google.pubsub_v1 import types as pubsub


def look(subscriber: SubscriberClient, subscription: str, limit: int, seconds: float) -> Any:
    """What the client's `pull` answers, and raises."""
    request = pubsub.PullRequest(
        subscription=subscription, max_messages=limit, return_immediately=True
    )
    metadata = [to_grpc_metadata({"subscription": subscription})]  # type: ignore[no-untyped-call]
    pull: Any = subscriber.transport.pull
    try:
        return pull(request, timeout=seconds, metadata=metadata)
    except grpc.RpcError as error:
        raise exceptions.from_grpc_error(error) from error  # type: ignore[no-untyped-call]
