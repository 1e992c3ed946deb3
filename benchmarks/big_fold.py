"""What folding a million results takes: seconds, and how much memory.

A batch is created and fanned out through the steps, and its results are settled in large groups, as
if workers had run it. Then a process of its own finalizes it, which calls the flow's fold, and
another one folds it again with a different one; and one more such batch is finalized by two
workers, who share the pages of its fold. All folds are trees. The same is done with a tenth of the
records: memory is to be the same, whatever the number.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from fanfold import flow
from fanfold.domain.batch import Batch
from fanfold.domain.flow import FlowRef
from fanfold.domain.messages import FanOutMessage, FinalizationMessage
from fanfold.domain.options import BatchOptions
from fanfold.domain.outcome import Succeeded, Value
from fanfold.domain.run import Run
from fanfold.engines.embedded.engine import embedded_engine
from fanfold.execution.library import Library
from fanfold.folds import count_by, top
from fanfold.settings import Settings
from fanfold.sources.iterable import from_iterable
from fanfold.steps.ask import ask
from fanfold.steps.create_batch import BatchRequest, create_batch
from fanfold.steps.fan_out import fan_out
from fanfold.steps.finalize import finalize
from fanfold.steps.fold_again import fold_again
from fanfold.wiring import EMBEDDED, open_fanfold

FOLDED = f"{Path(__file__)}:folded"
_GROUP = 10_000
_LABELS = 50
#: of the memory that folding ten times as much may take
BUDGET = 1.25


@flow(fold=count_by("label"))
def folded(record: Any) -> Any:
    return record


@dataclass(frozen=True, slots=True)
class Folding:
    records: int
    seconds: float
    #: of the process that folds, all it has loaded included
    peak_mib: float

    @property
    def per_second(self) -> float:
        return self.records / self.seconds


def settled(home: Path, records: int) -> str:
    """The id of a batch whose records have all succeeded, and that nobody has finalized."""
    with embedded_engine(home) as ports:
        ref = FlowRef("folded", "1", FOLDED, folds=True)
        request = BatchRequest(ref, BatchOptions(), f"{records:,} records")
        batch = create_batch(ports, request, lambda: from_iterable(range(records), name="records"))
        fan_out(ports, FanOutMessage(batch_id=batch.id, generation=batch.generation), lambda: False)
        batch = ports.batches.get(batch.id)
        for low in range(0, records, _GROUP):
            ports.runs.settle(batch, list(_runs(batch, range(low, min(low + _GROUP, records)))))
    return batch.id


def _runs(batch: Batch, indexes: range) -> Iterator[Run]:
    for index in indexes:
        output = json.dumps(
            {"label": f"label {index % _LABELS}", "score": index * 7919 % 1_000_003}
        )
        yield Run(
            batch_id=batch.id,
            index=index,
            generation=batch.generation,
            key=None,
            outcome=Succeeded(Value(text=output)),
            attempts=1,
            started_at=1.0,
            ended_at=2.0,
            seconds=1.0,
        )


def finalized(home: Path, batch_id: str, records: int) -> Folding:
    with embedded_engine(home) as ports:
        begun = time.monotonic()
        alone = replace(EMBEDDED, fold_pages=records)
        finalize(ports, alone, Library(), FinalizationMessage(batch_id=batch_id, generation=1))
        taken = time.monotonic() - begun
        output = ports.batches.get(batch_id).output
    if output is None or sum(json.loads(output.text or "{}").values()) != records:
        raise SystemExit(f"{batch_id} was not folded: {output}")
    return Folding(records, taken, _peak_mib())


def shared(home: Path, batch_id: str, records: int) -> Folding:
    """The larger of the two peaks. The workers are there before anybody asks for the end."""
    settings = Settings.from_env().model_copy(update={"engine": "embedded", "home": home})
    context = get_context("spawn")
    workers, ends = [], []
    for _ in range(2):
        mine, its = context.Pipe(duplex=False)
        worker = context.Process(target=_send, args=(its, _worked, (settings,)))
        worker.start()
        workers.append(worker)
        ends.append(mine)
    for end in ends:
        end.recv()  # it is ready
    with embedded_engine(home) as ports:
        begun = time.monotonic()
        ask(ports, ports.batches.get(batch_id))
        while not (batch := ports.batches.get(batch_id)).ended:
            time.sleep(0.01)
        taken = time.monotonic() - begun
    peaks = [end.recv() for end in ends]
    for worker in workers:
        worker.join()
    if batch.output is None:
        raise SystemExit(f"{batch_id} was not folded: {batch.failure}")
    return Folding(records, taken, max(peaks))


def _worked(to: Connection, settings: Settings) -> float:
    with open_fanfold(settings) as fanfold:
        worker = fanfold.worker(threads=4)
        to.send(None)
        worker.run(until_idle=True)
    return _peak_mib()


def again(home: Path, batch_id: str, records: int) -> Folding:
    with embedded_engine(home) as ports:
        begun = time.monotonic()
        fold_again(ports, ports.batches.get(batch_id), top(10, "score"))
        taken = time.monotonic() - begun
    return Folding(records, taken, _peak_mib())


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(records: int) -> dict[str, Folding]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        batch_id = in_a_process(settled, home, records)
        other_id = in_a_process(settled, home, records)
        return {
            "finalize": in_a_process(finalized, home, batch_id, records),
            "fold again": in_a_process(again, home, batch_id, records),
            "two workers": shared(home, other_id, records),
        }


def in_a_process(work: Any, *arguments: Any) -> Any:
    """What it returns. Spawned, not forked, and from a process that has done nothing itself: a
    child's peak begins with what its parent had."""
    context = get_context("spawn")
    mine, its = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(its, work, arguments))
    process.start()
    its.close()
    try:
        return mine.recv()
    except EOFError:
        raise SystemExit(f"{work.__name__} failed: see above") from None
    finally:
        process.join()


def _send(to: Connection, work: Any, arguments: tuple[Any, ...]) -> None:
    to.send(work(to, *arguments) if work is _worked else work(*arguments))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true", help="one object as the last line")
    given = parser.parse_args()
    few, many = map(measure, (given.records // 10, given.records))
    ratios = {name: many[name].peak_mib / few[name].peak_mib for name in many}
    for name, ratio in ratios.items():
        for it in (few[name], many[name]):
            print(
                f"{name:<12}{it.records:>12,} results {it.seconds:8.2f} s "
                f"{it.per_second:10,.0f}/s   peak {it.peak_mib:7.1f} MiB"
            )
        verdict = "met" if ratio <= BUDGET else "MISSED"
        print(f"{'':<12}memory: {ratio:.2f} times   budget {BUDGET:g} {verdict}")
    if given.json:
        told = {name: [asdict(few[name]), asdict(many[name])] for name in many}
        print(json.dumps({**told, "ratios": ratios}))


if __name__ == "__main__":
    main()
