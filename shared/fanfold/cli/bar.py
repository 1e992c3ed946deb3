"""The counts as parts of one line, and its legend: told apart without colour, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from fanfold.cli.report import parts_of

if TYPE_CHECKING:
    from fanfold.steps.status import Status

STYLES = {
    "succeeded": "green",
    "failed": "red",
    "canceled": "magenta",
    "skipped": "magenta",
    "running": "yellow",
    "waiting": "cyan",
    "queued": "bright_black",
}
_SHADES = dict(zip(STYLES, "█▚▞▀▓▒░", strict=True))
#: for a terminal that has no others
_ASCII_SHADES = dict(zip(STYLES, "#x/+=-.", strict=True))
_BETWEEN = "  "


def bar(status: Status, width: int, *, plain: bool = False) -> Text:
    """Whoever is there at all has at least one place."""
    parts = parts_of(status)
    total = sum(number for _, number in parts)
    counts = status.counts
    percent = f" {100 * counts.settled // total if total else 0:3} %"
    room = width - len(percent)
    shades = _ASCII_SHADES if plain else _SHADES
    line = Text()
    for (name, _), places in zip(parts, _shares([it for _, it in parts], room), strict=True):
        line.append(shades[name] * places, style=STYLES[name])
    if not parts:
        line.append(shades["queued"] * room, style=STYLES["queued"])
    return line.append(percent)


def legend(status: Status, width: int, *, plain: bool = False) -> list[Text]:
    """What the bar's parts are, in as many lines as that takes."""
    shades = _ASCII_SHADES if plain else _SHADES
    entries = [
        Text(f"{shades[name]} {number:,} {name}", style=STYLES[name])
        for name, number in parts_of(status)
    ]
    if not status.batch.sealed and not status.batch.ended:
        entries.append(Text(_unread(status)))
    lines: list[Text] = []
    for entry in entries:
        if lines and lines[-1].cell_len + len(_BETWEEN) + entry.cell_len <= width:
            lines[-1].append(_BETWEEN).append_text(entry)
        else:
            lines.append(Text().append_text(entry))
    return lines


def _unread(status: Status) -> str:
    if status.waits_for:
        return "waiting for other batches"
    begun = status.batch.started_at is not None
    return "reading the source" if begun else "waiting for a worker"


def _shares(numbers: list[int], room: int) -> list[int]:
    total = sum(numbers)
    shares = [max(1, number * room // total) for number in numbers]
    if shares:  # what rounding left over, or took too much, is the largest one's
        largest = shares.index(max(shares))
        shares[largest] += room - sum(shares)
    return shares
