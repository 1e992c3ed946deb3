"""Which engine a command means, and whether it can be reached.

--engine, FANFOLD_ENGINE ─▶ embedded        a folder; always there
                         └▶ google ─▶ the emulators that the environment names
                                   ─▶ what is up in this home
                                   ─▶ the cloud, where FANFOLD_PROJECT names a project of one's own
                                   ─▶ nothing: `run` brings it up, others say how
"""

from __future__ import annotations

from dataclasses import dataclass

from fanfold.engines.google.presence import listens
from fanfold.errors import UsageError
from fanfold.local.libraries import INSTALL, missing_clients
from fanfold.local.standing import Standing, standing_at
from fanfold.settings import Settings

#: no project of the cloud's: the emulators take any name
LOCAL_PROJECT: str = Settings.model_fields["project"].default


class NothingUp(UsageError):
    """Nothing of the google engine is up. Start it: `fanfold up --engine google`."""


@dataclass(frozen=True, slots=True)
class Reach:
    """An engine to open, and who works there."""

    settings: Settings
    #: the functions that work there, if some are up in this home
    standing: Standing | None = None

    @property
    def is_google(self) -> bool:
        return self.settings.engine == "google"

    @property
    def names_emulators(self) -> bool:
        settings = self.settings
        return bool(settings.firestore_emulator_host or settings.pubsub_emulator_host)

    @property
    def is_cloud(self) -> bool:
        return (
            self.is_google and not self.names_emulators and self.settings.project != LOCAL_PROJECT
        )

    @property
    def can_be_brought_up(self) -> bool:
        """Nobody's functions are known to work there."""
        return self.is_google and not self.is_cloud and self.standing is None

    def check(self) -> None:
        """Refuse at once what could only be waited for in vain."""
        if not self.is_google:
            return
        if missing := missing_clients():
            raise NothingUp(f"the google engine needs {', '.join(missing)}: {INSTALL}")
        if not self.names_emulators and not self.is_cloud:
            home = self.settings.home.expanduser().absolute()
            raise NothingUp(
                f"nothing of the google engine is up in {home}, and no emulator is named. Start "
                "it in another terminal: fanfold up --engine google"
            )
        self.check_named()
        unset = [name for name, host in self._hosts() if not host]
        if len(unset) == 1:
            raise NothingUp(f"{unset[0]} is not set, but the other emulator's is. Set both")

    def check_named(self) -> None:
        """The emulators that are named must be there."""
        for name, host in self._hosts():
            if host and not listens(host):
                raise NothingUp(
                    f"nothing answers at {name}={host}. Start it: fanfold up --engine google; or "
                    f"unset {name}"
                )

    def _hosts(self) -> list[tuple[str, str]]:
        return [
            ("FIRESTORE_EMULATOR_HOST", self.settings.firestore_emulator_host),
            ("PUBSUB_EMULATOR_HOST", self.settings.pubsub_emulator_host),
        ]


def reach(engine: str | None = None, delivery: str | None = None) -> Reach:
    """What the environment, `--engine` and `--delivery` mean. Nothing is opened."""
    settings = Settings.from_env()
    if engine is not None:
        settings = settings.model_copy(update={"engine": str(engine)})
    if delivery is not None:
        settings = settings.model_copy(update={"delivery": str(delivery)})
    if settings.engine != "google":
        return Reach(settings)
    standing = standing_at(settings.home)
    if standing is None:
        return Reach(settings)
    named = (settings.firestore_emulator_host, settings.pubsub_emulator_host)
    if any(named) and named != (standing.firestore, standing.pubsub):
        return Reach(settings)
    return Reach(standing.settings(settings), standing)
