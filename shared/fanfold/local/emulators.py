"""The official emulators, started for as long as a block lasts.

They need Java and the Google Cloud SDK's emulator components; `find_emulators` says in one line
what is missing. Their jars are started directly: the `gcloud` command in front of them takes
seconds and leaves a grandchild behind when it is killed.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from fanfold.engines.google.presence import listens
from fanfold.errors import FanfoldError
from fanfold.local.addresses import free_port
from fanfold.local.guard import Guard
from fanfold.local.process import Process, end_all

READY_SECONDS = 60.0
LOOK_SECONDS = 0.05
_END_SECONDS = 10.0
_SDK_SECONDS = 60.0
_FIRESTORE = "platform/cloud-firestore-emulator/cloud-firestore-emulator.jar"
_FIRESTORE_MAIN = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
_PUBSUB = "platform/pubsub-emulator/lib"
#: They live for minutes, on few processors: what the better compiler takes to compile, it does not
#: give back in that time. A first batch of 40,000 records goes through nearly twice as fast.
_JVM = ("-XX:TieredStopAtLevel=1",)

NO_JAVA = "there is no java here: install Java 17 or newer"
NO_GCLOUD = "there is no gcloud here: install the Google Cloud SDK"
NO_COMPONENTS = (
    "the emulators are not installed: "
    "gcloud components install cloud-firestore-emulator pubsub-emulator"
)


class EmulatorsMissing(FanfoldError):
    """The emulators cannot be started here. `fanfold doctor` says what is missing."""


@dataclass(frozen=True, slots=True)
class Emulators:
    firestore: str
    pubsub: str


@dataclass(frozen=True, slots=True)
class Programs:
    java: str
    firestore: Path
    pubsub: Path

    def firestore_at(self, host: str) -> list[str]:
        name, _, port = host.rpartition(":")
        begin = [
            self.java,
            *_JVM,
            "-Duser.language=en",
            "-cp",
            str(self.firestore),
            _FIRESTORE_MAIN,
        ]
        return [*begin, "start", f"--host={name}", f"--port={port}"]

    def pubsub_at(self, host: str) -> list[str]:
        name, _, port = host.rpartition(":")
        return [self.java, *_JVM, "-jar", str(self.pubsub), f"--host={name}", f"--port={port}"]


def find_java() -> str | None:
    return shutil.which("java")


def find_gcloud() -> str | None:
    return shutil.which("gcloud")


def find_jars(gcloud: str) -> tuple[Path, Path] | None:
    """Firestore's and Pub/Sub's: beside `gcloud` itself, which takes over a second to answer; if
    that is a script which only calls it, where it says."""
    beside = _jars_in(Path(gcloud).resolve().parent.parent)
    if beside is not None:
        return beside
    asked = [gcloud, "info", "--format=value(installation.sdk_root)"]
    try:
        answer = subprocess.run(
            asked, capture_output=True, text=True, check=False, timeout=_SDK_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return _jars_in(Path(answer.stdout.strip()))


def _jars_in(root: Path) -> tuple[Path, Path] | None:
    firestore = root / _FIRESTORE
    pubsub = sorted((root / _PUBSUB).glob("cloud-pubsub-emulator-*.jar"))
    return (firestore, pubsub[-1]) if firestore.exists() and pubsub else None


def find_emulators() -> Programs:
    """Raises EmulatorsMissing."""
    java = find_java()
    if java is None:
        raise EmulatorsMissing(NO_JAVA)
    gcloud = find_gcloud()
    if gcloud is None:
        raise EmulatorsMissing(NO_GCLOUD)
    jars = find_jars(gcloud)
    if jars is None:
        raise EmulatorsMissing(NO_COMPONENTS)
    return Programs(java, *jars)


@contextmanager
def running_emulators(programs: Programs | None = None) -> Iterator[Emulators]:
    """Both, ready to be called; stopped when the block ends."""
    programs = programs or find_emulators()
    emulators = Emulators(f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}")
    with TemporaryDirectory() as folder, Guard() as guard:
        logs = Path(folder)
        hosts = {
            emulators.firestore: ("firestore", programs.firestore_at(emulators.firestore)),
            emulators.pubsub: ("pubsub", programs.pubsub_at(emulators.pubsub)),
        }
        processes = {
            host: Process(name, command, logs / f"{name}.log", guard=guard)
            for host, (name, command) in hosts.items()
        }
        try:
            for process in processes.values():
                process.start()
            for host, process in processes.items():
                until_listening(host, process)
            yield emulators
        finally:
            end_all(list(processes.values()), _END_SECONDS)


def until_listening(host: str, process: Process) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not listens(host):
        if (how := process.ended()) is not None:
            raise EmulatorsMissing(f"the {process.name} emulator {how}: {process.last_words()}")
        if time.monotonic() > deadline:
            raise EmulatorsMissing(f"no {process.name} emulator answers at {host}")
        time.sleep(LOOK_SECONDS)
