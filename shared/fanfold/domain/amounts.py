"""Sizes as people write them: `64MiB`, `2GB`, `1048576`."""

from __future__ import annotations

import re

SIZES = "a size such as 64MiB, 500MB, 1GiB or 1048576, which is bytes"
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([KMGT]i?B|B)?", re.IGNORECASE)
_POWERS = "BKMGT"


def bytes_of(text: str) -> int | None:
    """At least one; None if it is no size."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        return None
    unit = (found[2] or "B").upper()
    base = 1024 if "I" in unit else 1000
    return int(float(found[1]) * base ** _POWERS.index(unit[0])) or None


def size_text(size: int) -> str:
    """For a sentence: `64 MiB`, `1.5 GiB`, `500 MB`. Exactly, where a unit fits."""
    for power in (4, 3, 2, 1):
        for base, infix in ((1024, "iB"), (1000, "B")):
            if size >= base**power and size * 10 % base**power == 0:
                return f"{size / base**power:g} {_POWERS[power]}{infix}"
    return f"{size} bytes"
