"""Which records `fanfold retry` means."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fanfold.domain.expression import condition
from fanfold.domain.outcome import Canceled, Failed, Skipped, Succeeded
from fanfold.domain.run import Run, RunState
from fanfold.errors import OptionInvalid
from fanfold.folds.stream import text_of
from fanfold.steps.retry import Selection

if TYPE_CHECKING:
    from fanfold.domain.batch import Batch
    from fanfold.ports import Ports

_NAMES = (
    "index", "key", "status", "attempts", "seconds", "output", "error", "type", "fingerprint",
    "version",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    failed: bool
    errors: tuple[str, ...]
    canceled: bool
    skipped: bool
    ids: str | None
    where: str | None

    @property
    def words(self) -> str:
        parts = [
            *(["--failed"] if self.failed else []),
            *(f"--error {it}" for it in self.errors),
            *(["--canceled"] if self.canceled else []),
            *(["--skipped"] if self.skipped else []),
            *([f"--ids {self.ids}"] if self.ids is not None else []),
            *([f"--where {self.where}"] if self.where is not None else []),
        ]
        return " ".join(parts)


def selection_of(ports: Ports, batch: Batch, wanted: Wanted) -> Selection:
    """Raises OptionInvalid."""
    if not wanted.words:
        raise OptionInvalid(
            "which records? --failed, --error FINGERPRINT, --canceled, --skipped, --ids FILE or "
            "--where CONDITION"
        )
    asked = (
        (RunState.FAILED, wanted.failed),
        (RunState.CANCELED, wanted.canceled),
        (RunState.SKIPPED, wanted.skipped),
    )
    return Selection(
        states=frozenset(state for state, is_asked in asked if is_asked),
        errors=frozenset(wanted.errors),
        ids=None if wanted.ids is None else _indexes(ports, batch, _lines(wanted.ids)),
        where=None if wanted.where is None else _holds(ports, wanted.where),
        what=wanted.words,
    )


def _lines(name: str) -> list[str]:
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OptionInvalid(f"--ids {name}: cannot be read: {error}") from None
    return [line.strip() for line in text.splitlines() if line.strip()]


def _indexes(ports: Ports, batch: Batch, lines: list[str]) -> frozenset[int]:
    """A number is an index; anything else a key, whose first record is meant."""
    found = {int(it) for it in lines if it.isdecimal()}
    total = batch.known_total
    if beyond := [it for it in found if it >= total]:
        raise OptionInvalid(f"--ids: {batch.id} has no record {beyond[0]}: it has {total:,}")
    keys = {it for it in lines if not it.isdecimal()}
    if keys:
        for record in ports.batches.records(batch.id, 0, total):
            if record.key in keys:
                found.add(record.index)
                keys.discard(record.key)
                if not keys:
                    break
    if keys:
        raise OptionInvalid(f"--ids: {batch.id} has no record of key {min(keys)!r}")
    return frozenset(found)


def _holds(ports: Ports, text: str) -> Callable[[Run], bool]:
    holds = condition(text, _NAMES)
    return lambda run: holds(_values(ports, run, needs_output="output" in text))


def _values(ports: Ports, run: Run, *, needs_output: bool) -> dict[str, Any]:
    values: dict[str, Any] = {
        "index": run.index,
        "key": run.key,
        "status": str(run.state),
        "attempts": run.attempts,
        "seconds": run.seconds,
        "version": run.flow_version,
    }
    match run.outcome:
        case Succeeded(output):
            if needs_output:
                values["output"] = json.loads(text_of(output, ports.blobs) or "null")
        case Failed(failure):
            values |= {
                "error": failure.message,
                "type": failure.type,
                "fingerprint": failure.fingerprint,
            }
        case Canceled(reason) | Skipped(reason):
            values["error"] = reason
    return values
