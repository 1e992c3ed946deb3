"""Outputs, of runs and of folds: in their document or, where they are large, in a blob."""

from __future__ import annotations

from fanfold.domain.outcome import MAX_INLINE_OUTPUT_BYTES, Outcome, Succeeded, Value
from fanfold.ports import Ports


def store_output(ports: Ports, name: str, text: str) -> Value:
    """`name`: of the blob, if it takes one; what has this name is replaced."""
    if len(text) <= MAX_INLINE_OUTPUT_BYTES:
        return Value(text=text)
    ports.blobs.write(name, [text.encode()])
    return Value(blob=name)


def forget_output(ports: Ports, value: Value | None) -> None:
    """Its blob, if it has one."""
    if value is not None and value.blob is not None:
        ports.blobs.delete(value.blob)


def forget_output_of(ports: Ports, outcome: Outcome | None) -> None:
    if isinstance(outcome, Succeeded):
        forget_output(ports, outcome.output)
