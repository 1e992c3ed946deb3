"""What one output can hold: a fold that would make more is refused as soon as that is seen."""

from __future__ import annotations

from fanfold.errors import UsageError

#: What collect and merge hold at most, in bytes of JSON: an output is one value, read as a whole.
MAX_BYTES = 16 * 1024 * 1024
#: What count_by counts apart at most.
MAX_VALUES = 100_000
#: What top ranks at most.
MAX_RANKS = 10_000


class TooMuchToFold(UsageError):
    """More than one output can hold. Export it: `fanfold results BATCH --out results/`."""


def check_bytes(fold: str, size: int) -> int:
    if size > MAX_BYTES:
        raise TooMuchToFold(
            f"{fold}() holds at most {MAX_BYTES // 1024**2} MiB of outputs, and there is more. "
            "Export them: `fanfold results BATCH --out results/` writes any number"
        )
    return size


def check_values(place: str, number: int) -> None:
    if number > MAX_VALUES:
        raise TooMuchToFold(
            f"count_by({place!r}) met more than {MAX_VALUES:,} values. Count by something that has "
            "fewer, or export the results: `fanfold results BATCH --out results/`"
        )
