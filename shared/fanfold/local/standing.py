"""What is up in a home: a file that says so, and a lock that is held while it is true.

    up.json   what runs where; written when everything answers, removed at the end
    up.lock   held by whoever is up; the kernel lets go of it, however that process ends

So a file that a killed `up` left behind deceives nobody.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fanfold.errors import Conflict
from fanfold.settings import Settings

FILE = "up.json"
LOCK = "up.lock"


class AlreadyUp(Conflict):
    """Something is up in this home already. Use it, or stop it with Ctrl-C where it runs."""


@dataclass(frozen=True, slots=True)
class Standing:
    #: of the process that is up and stops everything when it ends
    pid: int
    project: str
    database: str
    prefix: str
    home: str
    flows: str
    #: as host:port
    firestore: str
    pubsub: str
    #: the URL of each function; none where workers pull
    functions: dict[str, str]
    #: the folder of their logs
    logs: str
    #: where blobs are, if not in the home
    bucket: str = ""
    storage: str = ""

    def exports(self) -> dict[str, str]:
        """The environment in which any command, or any program, reaches it."""
        always = {
            "FIRESTORE_EMULATOR_HOST": self.firestore,
            "PUBSUB_EMULATOR_HOST": self.pubsub,
            "FANFOLD_ENGINE": "google",
            "FANFOLD_PROJECT": self.project,
            "FANFOLD_HOME": self.home,
        }
        changed = {
            "FANFOLD_PREFIX": self.prefix,
            "FANFOLD_BUCKET": self.bucket,
            "STORAGE_EMULATOR_HOST": self.storage,
        }
        changed = {name: value for name, value in changed.items() if value}
        if self.database != Settings.model_fields["database"].default:
            changed["FANFOLD_DATABASE"] = self.database
        return always | changed

    def settings(self, settings: Settings) -> Settings:
        """Those of somebody who uses it."""
        return settings.model_copy(
            update={
                "engine": "google",
                "project": self.project,
                "database": self.database,
                "prefix": self.prefix,
                "home": Path(self.home),
                "firestore_emulator_host": self.firestore,
                "pubsub_emulator_host": self.pubsub,
                "bucket": self.bucket,
                "storage_emulator_host": self.storage,
            }
        )

    @property
    def pulls(self) -> bool:
        """Whether its workers pull, as any other may, too."""
        return not self.functions

    @property
    def is_alive(self) -> bool:
        return is_up(Path(self.home))


def standing_at(home: Path) -> Standing | None:
    """What is up there, and answers; None if nothing is, or not yet."""
    home = home.expanduser().absolute()
    if not is_up(home):
        return None
    try:
        found: dict[str, Any] = json.loads((home / FILE).read_text(encoding="utf-8"))
        return Standing(**found)
    except (OSError, ValueError, TypeError):  # it begins, or ends, or is another version's
        return None


def is_up(home: Path) -> bool:
    try:
        handle = os.open(home / LOCK, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


@contextmanager
def lock_of(home: Path) -> Iterator[None]:
    """To be the one that is up. Raises AlreadyUp."""
    handle = os.open(home / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            standing = standing_at(home)
            who = f"process {standing.pid}" if standing is not None else "another process"
            raise AlreadyUp(
                f"{who} is up in {home} already. Use it, or stop it; FANFOLD_HOME names another "
                "home"
            ) from None
        yield
    finally:
        os.close(handle)


@contextmanager
def announced(standing: Standing) -> Iterator[None]:
    """In the file, for as long as the block lasts. The lock is held already."""
    path = Path(standing.home) / FILE
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(asdict(standing), indent=2) + "\n", encoding="utf-8")
    draft.replace(path)  # whoever reads it reads it whole
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()
