"""start_batch: a message anybody may publish becomes a batch.

The batch's id derives from the request's own id or, without one, from the delivery's message and
subscription: so a redelivery finds the batch there, and only a message published twice without a
request id starts two.
"""

from __future__ import annotations

from typing import Any

from fanfold import log
from fanfold.domain.batch import Batch
from fanfold.domain.messages import BatchRequestMessage
from fanfold.errors import Conflict, MessageInvalid, SourceInvalid, UsageError
from fanfold.execution.library import Found, Library
from fanfold.execution.validation import check_input
from fanfold.ports import Ports
from fanfold.sources.open import Opened, open_items, open_source
from fanfold.steps.create_batch import BatchRequest, content_of, create_batch
from fanfold.steps.known_flows import flow_named


def start_batch(
    ports: Ports, library: Library, message: BatchRequestMessage, message_id: str
) -> Batch:
    """Raises FlowNotFound where the flow is not registered (perhaps not yet), MessageInvalid for
    what no repetition mends."""
    found = flow_named(ports, library, message.flow)

    def check(data: Any) -> None:
        check_input(found.flow, data)

    try:
        source = records_of(found, message)
        request = BatchRequest(
            found.ref,
            message.options,
            source_name=source.name,
            request_id=message.request_id or message_id or None,
            principal="request" if message.request_id else "message",
            source_version=source.version,
            content="" if message.records is None else content_of(message.records),
        )
        batch = create_batch(ports, request, source.lines, check=check)
    except (UsageError, Conflict) as error:
        raise MessageInvalid(f"batch request: {error}") from None
    log.info("batch.requested", found.flow.name, batch_id=batch.id)
    return batch


def records_of(
    found: Found, message: BatchRequestMessage, name: str = "the message's records"
) -> Opened:
    """What the request says they are; those that are in it under this name. Raises
    SourceInvalid."""
    key = message.key
    if message.records is not None:
        records = message.records
        return open_items(lambda: records, name, key_field=key)
    if message.source is not None:
        # Anybody who may publish says what is read here: so no file of this machine.
        return open_source(message.sources, message.source_format, key_field=key, outside=True)
    source = found.flow.source
    if source is None:
        raise SourceInvalid(
            f"flow {found.flow.name!r} has no source of its own: send `records` or `source`"
        )
    return open_items(source, "the flow's source", key_field=key)
