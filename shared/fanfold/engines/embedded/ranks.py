"""The classes of a station's messages, as the numbers that their rows have.

A rank stands before the time in the index of what is ready: whoever asks for a time must name the
ranks, or goes over all that lies there.
"""

from __future__ import annotations

from fanfold.domain.priority import PRIORITIES, Priority
from fanfold.ports import CLASSED, Station

#: of what has no class
NORMAL = Priority.NORMAL.rank
#: by station, in the order they are pulled
RANKS = {
    station: tuple(it.rank for it in PRIORITIES) if station in CLASSED else (NORMAL,)
    for station in Station
}
#: the same, as what `rank IN (…)` lists
LISTED = {station: ", ".join(map(str, ranks)) for station, ranks in RANKS.items()}
