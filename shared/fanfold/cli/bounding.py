"""A worker's bounds, from the options that say them and back to the options of its processes."""

from __future__ import annotations

from fanfold.cli.amounts import seconds_of, share_of, size_of
from fanfold.domain.amounts import SIZES
from fanfold.errors import OptionInvalid
from fanfold.worker.bounds import Bounds


def bounds_of(
    max_messages: int,
    max_bytes: str,
    max_memory: str | None,
    max_load: float | None,
    grace: str | None,
) -> Bounds:
    """Raises OptionInvalid."""
    if max_load is not None and not max_load > 0:
        raise OptionInvalid(f"--max-load {max_load:g}: it must be above 0")
    share = None if max_memory is None else share_of("--max-memory", max_memory)
    memory = None
    if max_memory is not None and share is None:
        forms = f"{SIZES}, or a share of the machine's such as 80%"
        memory = size_of("--max-memory", max_memory, forms)
    return Bounds(
        messages=max_messages,
        bytes=size_of("--max-bytes", max_bytes),
        memory=memory,
        memory_share=share,
        load=max_load,
        grace=None if grace is None else seconds_of("--grace", grace),
    )


def arguments_of(bounds: Bounds) -> list[str]:
    """What a process must be started with to have the same."""
    given = ["--max-messages", str(bounds.messages), "--max-bytes", str(bounds.bytes)]
    if bounds.memory is not None:
        given += ["--max-memory", str(bounds.memory)]
    if bounds.memory_share is not None:
        given += ["--max-memory", f"{100 * bounds.memory_share:.12g}%"]
    if bounds.load is not None:
        given += ["--max-load", repr(bounds.load)]
    if bounds.grace is not None:
        given += ["--grace", f"{bounds.grace:f}"]
    return given
