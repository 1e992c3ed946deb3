"""The google engine on the official emulators of this machine, brought up for the measurement.

    emulators ─▶ bare ─▶ a batch that warms up ─▶ the batch that is measured

The emulators are programs that get quicker while they run: what is measured first would pay for
that. So a batch goes before, and each process that works has done so once. Operations are counted
on the wire, in every process that works, and over both batches.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from fanfold.bench.batch import Measured, measured, put_through
from fanfold.bench.pushing import IN_THREADS, measure_empty
from fanfold.local.pullers import Pulling
from fanfold.local.up import Up, brought_up
from fanfold.settings import Settings
from fanfold.steps.status import Status
from fanfold.wiring import open_fanfold

#: such a part of the measured batch's records goes before it
_WARM_UP = 4


@dataclass(frozen=True, slots=True)
class Operations:
    """Each per record."""

    writes: float
    #: but those of results, which a fold reads one by one
    reads: float
    results_read: float
    publishes: float


@dataclass(frozen=True, slots=True)
class GoogleMeasured:
    measured: Measured
    #: what moves the same messages and results with none of our logic, if it was asked for
    bare_seconds: float | None
    operations: Operations


def measure(
    settings: Settings,
    pulling: Pulling | None,
    records: int,
    *,
    bare: Callable[[Up, int], float] | None,
    on_look: Callable[[Status], None],
    say: Callable[[str], None],
) -> GoogleMeasured:
    """In the home of the settings. `bare` moves so many records, and says how long that took."""
    meter = settings.home / "meter"
    settings = settings.model_copy(update={"engine": "google", "meter": meter})
    warm_up = max(1, records // _WARM_UP)
    with brought_up(settings, pulling=pulling, say=say) as up:
        seconds = None
        if bare is not None:
            say("measuring what moves the same records with no logic")
            bare(up, warm_up)
            seconds = bare(up, records)
        # whoever only looks is not counted
        with open_fanfold(up.settings.model_copy(update={"meter": None})) as fanfold:
            say("warming up")
            put_through(fanfold, warm_up, lambda _: None, up.tend)
            status = put_through(fanfold, records, on_look, up.tend)
            it = measured(fanfold, status.batch, records)
        it = replace(it, peak_rss_mib=max(_peak_mib(part.pid) for part in up.parts()[2:]))
    return GoogleMeasured(it, seconds, _operations(meter, records + warm_up))


def pulled_bare(workers: int) -> Callable[[Up, int], float]:
    from fanfold.engines.google.bare import measure_bare

    def bare(up: Up, records: int) -> float:
        it = measure_bare(up.standing.firestore, up.standing.pubsub, records, workers)
        return it.moving + it.reading

    return bare


def pushed_bare(up: Up, records: int) -> float:
    """As many messages, to a function that does nothing, as functions-framework serves one."""
    return measure_empty(up, records, IN_THREADS).seconds


def _operations(folder: Path, records: int) -> Operations:
    from fanfold.engines.google import meter

    counts = meter.read_all(folder)
    return Operations(
        counts[meter.WRITES] / records,
        counts[meter.READS] / records,
        counts[meter.RESULTS_READ] / records,
        counts[meter.PUBLISHES] / records,
    )


def _peak_mib(pid: int | None) -> float:
    """Of a process that lives, or of its largest child; 0 where that cannot be read."""
    with suppress(OSError):
        place = Path(f"/proc/{pid}")
        children = (place / "task" / str(pid) / "children").read_text(encoding="ascii").split()
        lines = (place / "status").read_text(encoding="ascii").splitlines()
        own = [int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")]
        return max([*own, *(_peak_mib(int(child)) for child in children)])
    return 0.0
