"""Adapters are chosen here, and only here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from fanfold.engines.embedded.engine import embedded_engine
from fanfold.engines.folder_blobs import FolderBlobs
from fanfold.errors import SettingsInvalid
from fanfold.execution.isolation import Isolation
from fanfold.execution.library import Library
from fanfold.ports import Blobs, Ports
from fanfold.settings import Settings
from fanfold.steps.policy import Policy
from fanfold.worker.bounds import USUAL, Bounds
from fanfold.worker.worker import Worker

#: On one machine a commit costs a millisecond and reads next to nothing: outcomes wait less for
#: company, leases are written sooner so that `running` is true, and views are younger. Groups are
#: large where runs are quick: processes take turns at the file, and each turn has its price.
EMBEDDED = Policy(
    pull=500,
    group=500,
    settles_itself=True,
    gather_share=0.02,
    lease_after=1.0,
    lease_seconds=30.0,
    view_seconds=0.5,
    fan_out_seconds=2.0,
    claim_seconds=10.0,
    fold_concurrency=16,  # of one machine: pages that share a process take turns
    quiet_seconds=30.0,
)
#: Across a network a commit costs tens of milliseconds, a write and a read money: outcomes wait for
#: company however quick they were, and nobody looks more often than needed. A lease is there before
#: the shortest deadline that a message may have has passed, for whoever gets it next.
GOOGLE = Policy(
    pull=1000,
    pull_seconds=1.0,
    ahead_seconds=0.1,
    clerks=True,
    gather_least=0.02,
    lease_after=5.0,
    turns_ahead=4.0,  # half of them, on the mean, share a write
    aside_seconds=300.0,  # three writes for each look
    wake_seconds=5.0,
    idle_seconds=1.0,
    progress_seconds=10.0,  # the counters are read for it: a read for each slot
    sweep_seconds=60.0,
    grace_seconds=8.0,  # Cloud Run kills after ten
)


@dataclass(frozen=True, slots=True)
class Fanfold:
    """An opened engine and what is built on it."""

    settings: Settings
    ports: Ports
    policy: Policy
    library: Library

    def worker(self, threads: int, bounds: Bounds = USUAL) -> Worker:
        """Raises Unreadable if this process cannot read what `bounds` has it keep within."""
        return Worker(
            self.ports,
            self.policy,
            self.library,
            Isolation(self.settings.flow_places),
            threads=threads,
            sweep_seconds=self.policy.sweep_seconds,
            bounds=bounds,
        )


@contextmanager
def open_fanfold(settings: Settings, *, only: str | None = None) -> Iterator[Fanfold]:
    """`only`: the batch whose messages are pulled, where the engine is the embedded one."""
    library = Library(settings.flow_places)
    match settings.engine:
        case "embedded":
            with embedded_engine(settings.home, only=only) as ports:
                yield Fanfold(settings, ports, EMBEDDED, library)
        case "google":
            with open_google(settings) as ports:
                yield Fanfold(settings, ports, GOOGLE, library)


@contextmanager
def open_google(settings: Settings) -> Iterator[Ports]:
    """Google's libraries are loaded here and no sooner: the embedded engine does without them."""
    from fanfold.engines.google.clients import open_clients
    from fanfold.engines.google.engine import google_engine
    from fanfold.engines.google.meter import kept_in

    hosts = settings.firestore_emulator_host, settings.pubsub_emulator_host
    with (
        nullcontext() if settings.meter is None else kept_in(settings.meter) as meter,
        open_clients(*hosts, [] if meter is None else [meter]) as clients,
        _open_blobs(settings) as blobs,
        google_engine(
            clients,
            blobs,
            project=settings.project,
            database=settings.database,
            prefix=settings.prefix,
            slots=settings.slots,
        ) as ports,
    ):
        yield ports


@contextmanager
def _open_blobs(settings: Settings) -> Iterator[Blobs]:
    """In the bucket, if there is one. Its libraries are many, and loaded only then."""
    if not settings.bucket:
        yield FolderBlobs(settings.home.expanduser().absolute() / "blobs")
        return
    try:
        from fanfold.engines.google.bucket_blobs import open_bucket_blobs
    except ModuleNotFoundError as missing:
        needed = f"FANFOLD_BUCKET needs {missing.name}: pip install 'fanfold[google]'"
        raise SettingsInvalid(needed) from missing
    with open_bucket_blobs(settings.bucket, settings.storage_emulator_host) as blobs:
        yield blobs
