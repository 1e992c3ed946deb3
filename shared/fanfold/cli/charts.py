"""Numbers as blocks, for a place of some lines and columns."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

_BLOCKS = " ▁▂▃▄▅▆▇█"
#: for a terminal that has no others
_ASCII = " .:-=+*#@"
_EIGHTHS = 8


def chart(
    values: Sequence[float], width: int, height: int = 1, *, plain: bool = False
) -> list[str]:
    """Columns as tall as their values, the first value on the left. What is more than nothing is
    seen; where there are more values than columns, neighbours share one."""
    columns = shared(values, width)
    top = max(columns, default=0.0)
    full = _EIGHTHS * height
    levels = [0 if it <= 0 else max(1, round(full * it / top)) for it in columns]
    shades = _ASCII if plain else _BLOCKS
    return [
        "".join(shades[max(0, min(_EIGHTHS, level - _EIGHTHS * row))] for level in levels)
        for row in reversed(range(height))
    ]


def shared(values: Sequence[float], width: int) -> list[float]:
    """As many as there is room for: each the mean of those it stands for."""
    if len(values) <= width:
        return list(values)
    bounds = [column * len(values) // width for column in range(width + 1)]
    return [sum(values[start:stop]) / (stop - start) for start, stop in pairwise(bounds)]
