"""Batches on an engine of a test's own, and worker processes that die at a chosen call."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.flow import FlowRef
from fanfold.domain.options import BatchOptions
from fanfold.domain.run import Run, RunState
from fanfold.execution.library import Library
from fanfold.folds.stream import stream_results
from fanfold.ports import Ports
from fanfold.settings import Settings
from fanfold.sources.iterable import from_iterable
from fanfold.steps.create_batch import BatchRequest, create_batch
from fanfold.steps.retry import Selection
from fanfold.steps.status import Status, status_of, verify
from fanfold.testing.crashing import crash_retry, crash_worker
from fanfold.testing.nursery import Forked, fork


@dataclass(frozen=True, slots=True)
class Home:
    path: Path
    ports: Ports
    #: how other processes open the same engine; without, the embedded one at `path`
    settings: Settings | None = None
    #: makes what a process held that died be delivered again, where only time would
    forget_the_dead: Callable[[], None] = lambda: None

    def create(self, records: list[Any], place: str, **options: Any) -> Batch:
        found = Library().find(place)
        ref = FlowRef(found.flow.name, "1", found.place, folds=found.flow.fold is not None)
        request = BatchRequest(ref, BatchOptions(**options), "test")
        return create_batch(self.ports, request, lambda: from_iterable(records, name="test"))

    def start(self, *faults: tuple[Any, ...], act: str = "die", threads: int = 4) -> Forked:
        return fork(crash_worker, self._settings(), faults, act, threads)

    def start_worker(self, threads: int) -> subprocess.Popen[bytes]:
        """A worker as users start it, until nothing is left to do."""
        command = [sys.executable, "-m", "fanfold.cli.main", "worker", "--until-idle"]
        return subprocess.Popen(
            [*command, "--threads", str(threads)],
            env=self._settings().environment(),
            stderr=subprocess.DEVNULL,
        )

    def _settings(self) -> Settings:
        embedded = {"engine": "embedded", "home": self.path}
        return self.settings or Settings.from_env().model_copy(update=embedded)

    def work(self, *faults: tuple[Any, ...], act: str = "die", threads: int = 4) -> int:
        """Run a worker process until it is idle, or dies; its exit code."""
        self.forget_the_dead()
        return self.start(*faults, act=act, threads=threads).wait()

    def retry(
        self, batch: Batch, selection: Selection, changes: dict[str, Any], *faults: tuple[Any, ...]
    ) -> int:
        """In a process of its own, which dies at the faults; its exit code."""
        arguments = self._settings(), faults, batch.id, selection, changes
        return fork(crash_retry, *arguments).wait()

    def status(self, batch: Batch) -> Status:
        return status_of(self.ports, batch.id)

    def failures(self, batch: Batch) -> list[Any]:
        """Why what failed has failed: the first few."""
        return [it.outcome for it in islice(self._failed(batch), 5)]

    def _failed(self, batch: Batch) -> Iterator[Run]:
        return self.ports.runs.in_state(batch.id, RunState.FAILED)

    def assert_whole(self, batch: Batch, total: int, failed: int = 0) -> None:
        """Completed; every record settled once, its result there, the certificate true."""
        status = self.status(batch)
        assert status.batch.state is BatchState.COMPLETED, status
        counts = status.counts
        told = (counts.total, counts.succeeded, counts.failed)
        assert told == (total, total - failed, failed), self.failures(batch)
        assert status.tally.waiting == 0
        certificate = verify(self.ports, batch.id)
        assert certificate.holds
        assert certificate.digest == certificate.expected_digest
        ports = self.ports
        results = list(stream_results(ports.runs, ports.batches, ports.blobs, status.batch))
        assert [it.index for it in results] == list(range(total))
        assert sum(it.ok for it in results) == total - failed
