"""What Pub/Sub posts to a function: one model for raw push and for CloudEvents.

    raw push                       {"message": {…}, "subscription": …, "deliveryAttempt": n}
    CloudEvent, binary             the same body, with ce-… headers
    CloudEvent, structured         {"specversion": …, "type": …, "data": the same}

The conversions of functions-framework drop the delivery attempt and the subscription, and pass a
push without data as an empty event; hence our own.

There is a push for each record: one that looks as Pub/Sub's nearly always do is read by hand, and
quickly. Whatever else there may be is read by the model, which also says what is wrong.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from fanfold.errors import MessageInvalid

_STRUCTURED = "application/cloudevents+json"


class _Message(BaseModel):
    # real push sends both spellings of some names
    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    data: Annotated[str, Field(min_length=1)]
    attributes: dict[str, str] = Field(default_factory=dict)
    message_id: str = Field(default="", alias="messageId")


class _Envelope(BaseModel):
    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    message: _Message
    subscription: str = ""
    delivery_attempt: Annotated[int, Field(ge=1)] = Field(default=1, alias="deliveryAttempt")


@dataclass(frozen=True, slots=True)
class Pushed:
    """One delivery, however it was wrapped."""

    body: bytes
    attempt: int = 1
    message_id: str = ""
    subscription: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


def read_envelope(content_type: str, body: bytes) -> Pushed:
    """Raises MessageInvalid."""
    try:
        document: Any = from_json(body, cache_strings="keys")
        if content_type.partition(";")[0].strip().lower() == _STRUCTURED:
            document = document["data"] if isinstance(document, dict) else document
        if (pushed := _usual(document)) is not None:
            return pushed
        envelope = _Envelope.model_validate(document)
        data = b64decode(envelope.message.data, validate=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "body"
        raise MessageInvalid(f"push envelope: {place}: {first['msg']}") from None
    except KeyError:
        raise MessageInvalid("push envelope: a structured CloudEvent without data") from None
    except (ValueError, Base64Error) as error:
        raise MessageInvalid(f"push envelope: {error}") from None
    if not data:
        raise MessageInvalid("push envelope: message.data is empty")
    return Pushed(
        data,
        envelope.delivery_attempt,
        envelope.message.message_id,
        envelope.subscription,
        envelope.message.attributes,
    )


def _usual(document: Any) -> Pushed | None:
    """None: it is not as usual, or not right. Raises ValueError where the data are not base64."""
    match document:
        case {
            "message": {"data": str(data), "messageId": str(message_id), **message},
            "subscription": str(subscription),
            "deliveryAttempt": int(attempt),
        } if attempt >= 1 and type(attempt) is int:
            attributes = message.get("attributes", {})
            if type(attributes) is not dict or not all(map(_is_text, attributes.values())):
                return None
            decoded = b64decode(data, validate=True)
            if decoded:
                return Pushed(decoded, attempt, message_id, subscription, attributes)
    return None


def _is_text(value: object) -> bool:
    return type(value) is str
