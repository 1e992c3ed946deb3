"""Adapters are chosen here, and only here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fanfold.engines.embedded.engine import embedded_engine
from fanfold.engines.folder_blobs import FolderBlobs
from fanfold.errors import SettingsInvalid
from fanfold.execution.isolation import Isolation
from fanfold.execution.library import Library
from fanfold.ports import Blobs, Ports
from fanfold.settings import Settings
from fanfold.steps.policy import Policy
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
    quiet_seconds=30.0,
)
GOOGLE = Policy()
_SWEEP_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Fanfold:
    """An opened engine and what is built on it."""

    settings: Settings
    ports: Ports
    policy: Policy
    library: Library

    def worker(self, threads: int) -> Worker:
        return Worker(
            self.ports,
            self.policy,
            self.library,
            Isolation(self.settings.flow_places),
            threads=threads,
            sweep_seconds=_SWEEP_SECONDS,
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

    hosts = settings.firestore_emulator_host, settings.pubsub_emulator_host
    with (
        open_clients(*hosts) as clients,
        _open_blobs(settings) as blobs,
        google_engine(
            clients,
            blobs,
            project=settings.project,
            database=settings.database,
            prefix=settings.prefix,
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
