"""Firestore's values and writes as raw protobuf, built and read by hand.

The generated wrappers cost fifteen times as much per write as the messages they wrap; these few
functions are all that is needed of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from google.cloud.firestore_v1 import types

Fields = Mapping[str, Any]

RawValue = types.Value.pb()
RawWrite = types.Write.pb()
_Transform = types.DocumentTransform.FieldTransform.pb()


_SCALARS = {
    bool: "boolean_value",
    int: "integer_value",
    float: "double_value",
    str: "string_value",
    bytes: "bytes_value",
}


def encode(value: Any) -> Any:
    if (kind := _SCALARS.get(type(value))) is not None:
        return RawValue(**{kind: value})
    raw = RawValue()
    match value:
        case None:
            raw.null_value = 0
        case RawValue():  # as it came from a document
            return value
        case str():  # an enum
            raw.string_value = str(value)
        case datetime():
            raw.timestamp_value.FromDatetime(value)
        case Mapping():
            raw.map_value.SetInParent()
            for key, it in value.items():
                raw.map_value.fields[key].CopyFrom(encode(it))
        case list():
            raw.array_value.values.extend(encode(it) for it in value)
        case _:
            raise TypeError(f"Firestore takes no {type(value).__name__} from here")
    return raw


def decode(raw: Any) -> Any:
    kind = raw.WhichOneof("value_type")
    match kind:
        case None | "null_value":
            return None
        case "map_value":
            return {key: decode(it) for key, it in raw.map_value.fields.items()}
        case _:
            return getattr(raw, kind)


def decode_fields(fields: Any) -> dict[str, Any]:
    return {name: decode(value) for name, value in fields.items()}


# ------------------------------------------------------------------ writes


def create(path: str, fields: Fields) -> Any:
    """It must not exist."""
    write = put(path, fields)
    write.current_document.exists = False
    return write


def put(path: str, fields: Fields) -> Any:
    """Whatever was there is replaced."""
    write = RawWrite()
    write.update.name = path
    for name, value in fields.items():
        write.update.fields[name].CopyFrom(encode(value))
    return write


def change(
    path: str,
    fields: Fields,
    *,
    increments: Mapping[str, int | float] | None = None,
    nested: Iterable[tuple[tuple[str, ...], Any]] = (),
    since: Any = None,
) -> Any:
    """Set some fields and add to others; it must exist and, with `since`, be as it was read then.

    `nested` sets fields inside of maps: (("errors", "ab12", "about"), "…"). A dotted name in
    `increments` reaches inside likewise.
    """
    write = put(path, fields)
    write.update_mask.field_paths.extend(fields)
    for where, value in nested:
        place = write.update.fields
        for name in where[:-1]:
            place = place[name].map_value.fields
        place[where[-1]].CopyFrom(encode(value))
        write.update_mask.field_paths.append(".".join(map(quoted, where)))
    write.update_mask.SetInParent()
    if since is None:
        write.current_document.exists = True
    else:
        write.current_document.update_time.CopyFrom(since)
    for name, amount in (increments or {}).items():
        write.update_transforms.append(_Transform(field_path=name, increment=encode(amount)))
    return write


def delete(path: str, *, since: Any = None) -> Any:
    write = RawWrite(delete=path)
    if since is not None:
        write.current_document.update_time.CopyFrom(since)
    return write


def quoted(name: str) -> str:
    """A field's name inside of a path: what does not begin with a letter needs quotes."""
    return name if name.isidentifier() else f"`{name}`"
