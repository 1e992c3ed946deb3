"""A worker inside the test's own process, and waiting for what it does.

with working(ports, threads=4):
    until(lambda: ports.batches.get(batch.id).ended)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from time import monotonic, sleep

from fanfold.execution.isolation import Isolation
from fanfold.execution.library import Library
from fanfold.ports import Ports
from fanfold.steps.policy import Policy
from fanfold.wiring import EMBEDDED
from fanfold.worker.worker import Worker

_PATIENCE = 150.0
_LOOK, _MAX_LOOK = 0.005, 0.25


def until(condition: Callable[[], object], patience: float = _PATIENCE) -> None:
    """Wait for it. The patience ends a hang, it measures nothing. Whoever waits takes at most a
    fifth of a processor from those who work: to look may cost a request."""
    end = monotonic() + patience
    while True:
        looked = monotonic()
        if condition():
            return
        now = monotonic()
        assert now < end, f"it did not come about in {patience:g} s"
        sleep(min(max(_LOOK, 4 * (now - looked)), _MAX_LOOK))


def worker_of(
    ports: Ports,
    *,
    threads: int = 4,
    policy: Policy = EMBEDDED,
    library: Library | None = None,
    sweep_seconds: float = 3600.0,
) -> Worker:
    """Without its sweep, unless asked for: a net would hide a hole in the protocol."""
    return Worker(
        ports,
        policy,
        library or Library(),
        Isolation(),
        threads=threads,
        sweep_seconds=sweep_seconds,
    )


def work(
    ports: Ports, *, threads: int = 4, policy: Policy = EMBEDDED, library: Library | None = None
) -> None:
    """Until no batch is open and nothing is held."""
    with working(ports, threads=threads, policy=policy, library=library, until_idle=True) as (
        _,
        thread,
    ):
        until(lambda: not thread.is_alive())


@contextmanager
def working(
    ports: Ports,
    *,
    threads: int = 4,
    policy: Policy = EMBEDDED,
    library: Library | None = None,
    sweep_seconds: float = 3600.0,
    until_idle: bool = False,
) -> Iterator[tuple[Worker, Thread]]:
    """A worker at work in a thread; when the block ends, it is told to drain and waited for."""
    worker = worker_of(
        ports, threads=threads, policy=policy, library=library, sweep_seconds=sweep_seconds
    )
    thread = Thread(target=worker.run, kwargs={"until_idle": until_idle}, daemon=True)
    thread.start()
    try:
        yield worker, thread
    finally:
        worker.stop()
        thread.join(_PATIENCE)
        assert not thread.is_alive(), "the worker does not end"
