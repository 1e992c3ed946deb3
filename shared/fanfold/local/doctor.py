"""What each engine needs of this machine, looked for one by one: a finding never hides another."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory

from fanfold.engines.embedded.home import NETWORK_FILE_SYSTEMS, file_system_of
from fanfold.engines.google.presence import listens
from fanfold.errors import FanfoldError
from fanfold.local import emulators, functions, libraries
from fanfold.local.reach import LOCAL_PROJECT
from fanfold.settings import Settings

_PYTHON = (3, 11)
#: what the emulators of today are compiled for
_JAVA = 11
#: Two emulators and six functions take about 1,200 MiB once they have worked.
_MEMORY_MIB = 1200
_MEMORY = Path("/proc/meminfo")
_JAVA_SECONDS = 20.0


class Verdict(StrEnum):
    OK = "ok"
    #: the engine works, but not as it should
    WARNING = "warning"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Finding:
    #: which engine needs it; empty: each
    engine: str
    what: str
    verdict: Verdict
    found: str
    #: how to get it
    remedy: str = ""


def examine(settings: Settings) -> list[Finding]:
    return [*_any_engine(settings), *_embedded(), *_google(settings)]


def can_work(findings: Sequence[Finding], engine: str) -> bool:
    return not any(it.verdict is Verdict.MISSING and it.engine in ("", engine) for it in findings)


def _any_engine(settings: Settings) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] >= _PYTHON:
        yield Finding("", "Python", Verdict.OK, version)
    else:
        yield Finding("", "Python", Verdict.MISSING, version, "Install Python 3.11 or newer")
    yield _home(settings.home.expanduser().absolute())


def _home(home: Path) -> Finding:
    """As it is, or as it could be made: looking for it does not make it."""
    remedy = "Set FANFOLD_HOME to a folder on this machine's own disk"
    there = next(it for it in (home, *home.parents) if it.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        return Finding("", "home", Verdict.MISSING, f"{home} cannot be written to", remedy)
    kind = file_system_of(there.resolve())
    if kind in NETWORK_FILE_SYSTEMS:
        return Finding("", "home", Verdict.MISSING, f"{home} is on the network ({kind})", remedy)
    return Finding("", "home", Verdict.OK, str(home))


def _embedded() -> Iterator[Finding]:
    """By trying: SQLite may be there and be too old, or without what is needed of it."""
    try:
        from fanfold.engines.embedded.database import Database

        with TemporaryDirectory() as folder:
            database = Database(Path(folder))
            (version,) = database.read().execute("SELECT sqlite_version()").fetchone()
            database.close()
    except (ImportError, FanfoldError) as error:
        remedy = "Use a Python that is built with SQLite 3.35 or newer"
        yield Finding("embedded", "SQLite", Verdict.MISSING, str(error), remedy)
    else:
        yield Finding("embedded", "SQLite", Verdict.OK, version)


def _google(settings: Settings) -> Iterator[Finding]:
    missing = libraries.missing_clients()
    yield _thing("libraries", not missing, ", ".join(missing), libraries.INSTALL)
    if settings.bucket:
        missing = libraries.missing_for_buckets()
        found = f"installed, for {settings.bucket}; not called"
        yield _thing("gcsfs", not missing, "not installed", libraries.INSTALL, found)
    if not settings.firestore_emulator_host and settings.project != LOCAL_PROJECT:
        login = "If a call is refused: gcloud auth application-default login"
        found = f"project {settings.project} in the cloud; not called"
        yield Finding("google", "cloud", Verdict.WARNING, found, login)
        return
    missing = libraries.missing_serving()
    yield _thing("functions-framework", not missing, "not installed", libraries.INSTALL)
    try:
        folder = functions.functions_folder()
        yield Finding("google", "functions", Verdict.OK, str(folder))
    except FanfoldError as error:
        yield Finding("google", "functions", Verdict.MISSING, str(error))
    hosts = {
        "FIRESTORE_EMULATOR_HOST": settings.firestore_emulator_host,
        "PUBSUB_EMULATOR_HOST": settings.pubsub_emulator_host,
    }
    for name, host in hosts.items():
        if host:
            found = f"{host}" if listens(host) else f"nothing answers at {host}"
            yield _thing(name, listens(host), found, f"Start it there, or unset {name}", found)
    if not all(hosts.values()):
        yield from _emulators()
    yield from _memory()


def _emulators() -> Iterator[Finding]:
    yield _java()
    gcloud = emulators.find_gcloud()
    sdk = "Install the Google Cloud SDK: https://cloud.google.com/sdk/docs/install"
    yield _thing("gcloud", gcloud is not None, "not on the PATH", sdk, gcloud or "")
    jars = None if gcloud is None else emulators.find_jars(gcloud)
    install = "gcloud components install cloud-firestore-emulator pubsub-emulator"
    absent = "not looked for without gcloud" if gcloud is None else "not installed"
    there = "" if jars is None else ", ".join(it.name for it in jars)
    yield _thing("emulators", jars is not None, absent, install, there)


def _java() -> Finding:
    remedy = f"Install Java {_JAVA} or newer, such as your system's package of OpenJDK 17"
    java = emulators.find_java()
    if java is None:
        return Finding("google", "java", Verdict.MISSING, "not on the PATH", remedy)
    try:
        told = subprocess.run(
            [java, "-version"], capture_output=True, text=True, check=False, timeout=_JAVA_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding("google", "java", Verdict.MISSING, f"{java}: {error}", remedy)
    version = re.search(r'version "(?:1\.)?(\d+)[^"]*"', told.stderr + told.stdout)
    if version is None:
        found = f"{java} does not tell its version"
        return Finding("google", "java", Verdict.WARNING, found, remedy)
    if int(version[1]) < _JAVA:
        return Finding("google", "java", Verdict.MISSING, f"{java}, {version[0]}", remedy)
    return Finding("google", "java", Verdict.OK, f"{java}, {version[0]}")


def _memory() -> Iterator[Finding]:
    """Only a warning: what is in use may be given back. Nothing where the system does not tell."""
    try:
        told = re.search(r"MemAvailable: +(\d+) kB", _MEMORY.read_text())
    except OSError:
        return
    if told is not None:
        free = int(told[1]) // 1024
        enough = free >= _MEMORY_MIB
        yield Finding(
            "google",
            "memory",
            Verdict.OK if enough else Verdict.WARNING,
            f"{free:,} MiB free",
            "" if enough else f"About {_MEMORY_MIB:,} MiB are needed for emulators and functions",
        )


def _thing(what: str, there: bool, absent: str, remedy: str, found: str = "installed") -> Finding:
    if there:
        return Finding("google", what, Verdict.OK, found)
    return Finding("google", what, Verdict.MISSING, absent, remedy)
