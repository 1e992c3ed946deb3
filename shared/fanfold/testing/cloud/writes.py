"""One write applied to one document, as the emulator does it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from google.cloud.firestore_v1 import types

from fanfold.testing.cloud import fields
from fanfold.testing.cloud.refusal import (
    already_exists,
    failed_precondition,
    invalid,
    not_found,
    unimplemented,
)

RawDocument = types.Document.pb()
_RawValue = types.Value.pb()
_RawResult = types.WriteResult.pb()
_LARGEST = 2**63 - 1


def path_of(write: Any) -> str:
    kind = write.WhichOneof("operation")
    if kind not in ("update", "delete"):
        raise unimplemented(f"write of kind {kind}")
    path: str = write.update.name if kind == "update" else write.delete
    _, _, inside = path.partition("/documents/")
    parts = inside.split("/")
    if not inside or "" in parts or len(parts) % 2:
        raise invalid(f'Document name "{path}" is no document\'s.')
    return path


def check_missing(writes: Sequence[Any], stored: Mapping[str, Any]) -> None:
    for write in writes:
        if write.current_document.exists and path_of(write) not in stored:
            raise not_found(f"no entity to update: {path_of(write)}")


def apply(
    write: Any, stored: Mapping[str, Any], staged: dict[str, Any], now: Any
) -> tuple[Any, Any]:
    """The document after it, None when it is deleted, and the write's result.

    `stored` is how things were before the commit, `staged` what its earlier writes have changed.
    """
    path = path_of(write)
    before = staged[path] if path in staged else stored.get(path)
    _check(write.current_document, path, before, stored.get(path))
    if write.WhichOneof("operation") == "delete":
        return None, _RawResult()
    after = RawDocument(name=path)
    _update(write, before, after)
    results = [_transform(transform, after) for transform in write.update_transforms]
    after.create_time.CopyFrom(now if before is None else before.create_time)
    if before is None or before.fields != after.fields:
        after.update_time.CopyFrom(now)
    else:  # what changes nothing leaves the time of the last change
        after.update_time.CopyFrom(before.update_time)
    return after, _RawResult(update_time=after.update_time, transform_results=results)


def _check(condition: Any, path: str, before: Any, stored: Any) -> None:
    match condition.WhichOneof("condition_type"):
        case "exists" if condition.exists and before is None:
            raise not_found(f"no entity to update: {path}")
        case "exists" if not condition.exists and before is not None:
            if stored is None:
                raise invalid("Cannot insert then insert an entity in the same request.")
            raise already_exists(f"entity already exists: {path}")
        case "update_time":
            # of the document as it was before this commit, whatever its earlier writes did
            version = 0 if stored is None else stored.update_time.ToNanoseconds()
            wanted = condition.update_time.ToNanoseconds()
            if version != wanted:
                raise failed_precondition(
                    f"the stored version ({version}) does not match the required ({wanted})"
                )
        case _:
            pass


def _update(write: Any, before: Any, after: Any) -> None:
    if not write.HasField("update_mask"):
        after.fields.MergeFrom(write.update.fields)
        return
    if before is not None:
        after.fields.MergeFrom(before.fields)
    for name in write.update_mask.field_paths:
        path = fields.parse(name)
        value = fields.find(write.update.fields, path)
        if value is None:
            fields.remove(after.fields, path)
        else:
            fields.place(after.fields, path).CopyFrom(value)


def _transform(transform: Any, after: Any) -> Any:
    if transform.WhichOneof("transform_type") != "increment":
        raise unimplemented(f"transform {transform.WhichOneof('transform_type')}")
    path, amount = fields.parse(transform.field_path), transform.increment
    before = fields.find(after.fields, path)
    summed = add([amount] if before is None or not fields.is_number(before) else [before, amount])
    fields.place(after.fields, path).CopyFrom(summed)
    return summed


def add(values: list[Any]) -> Any:
    """Integers stay so and saturate; one double makes a double of all."""
    numbers = [getattr(it, it.WhichOneof("value_type")) for it in values]
    if any(isinstance(it, float) for it in numbers):
        return _RawValue(double_value=float(sum(numbers)))
    return _RawValue(integer_value=max(-_LARGEST - 1, min(_LARGEST, sum(numbers))))
