"""The environment, read once, here. Everything is reported that is wrong with it, not the first."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from fanfold.errors import SettingsInvalid
from fanfold.execution.loading import absolute as absolute_place

_BUCKET = r"^((gs://)?[a-z0-9][a-z0-9._-]{1,220}[a-z0-9](/.*)?)?$"


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="FANFOLD_", frozen=True, extra="ignore")

    #: which engine: embedded needs nothing but Python; google is Pub/Sub and Firestore
    engine: Literal["embedded", "google"] = "embedded"
    #: the embedded engine's folder
    home: Path = Path(".fanfold")
    #: where flows are found by name: files or dotted modules, separated as in PATH
    flows: str = ""
    #: the google engine's project, its Firestore database, and what begins all names there
    project: str = "fanfold-local"
    database: str = "(default)"
    prefix: Annotated[str, Field(pattern=r"^([a-z][a-z0-9-]{0,30}-)?$")] = ""
    #: its bucket for blobs, as `gs://name` or `gs://name/prefix`; without, they are in the home
    bucket: Annotated[str, Field(pattern=_BUCKET)] = ""
    #: how messages reach who works, where `fanfold up` or `run` brings it up: pushed to functions,
    #: as deployed, or pulled by workers
    delivery: Literal["push", "pull"] = "push"
    #: how many documents the counters of a new batch are split over; each bears a write a second
    slots: Annotated[int, Field(ge=1, le=1024)] = 64
    #: a folder, in which each process that opens it counts what it asks of Google's services
    meter: Path | None = None
    #: how many runs one process of it takes at once
    threads: Annotated[int, Field(ge=1, le=1000)] = 32
    #: the emulators, as host:port, the last one also as a URL; without, the cloud
    firestore_emulator_host: str = Field(default="", validation_alias="FIRESTORE_EMULATOR_HOST")
    pubsub_emulator_host: str = Field(default="", validation_alias="PUBSUB_EMULATOR_HOST")
    storage_emulator_host: str = Field(default="", validation_alias="STORAGE_EMULATOR_HOST")

    @property
    def flow_places(self) -> tuple[str, ...]:
        return tuple(place for place in self.flows.split(os.pathsep) if place)

    def environment(self) -> dict[str, str]:
        """For a process of our own that is to have these settings, wherever it is started."""
        places = (absolute_place(place) for place in self.flow_places)
        own = {
            "FANFOLD_ENGINE": self.engine,
            "FANFOLD_HOME": str(self.home.expanduser().absolute()),
            "FANFOLD_FLOWS": os.pathsep.join(places),
            "FANFOLD_PROJECT": self.project,
            "FANFOLD_DATABASE": self.database,
            "FANFOLD_PREFIX": self.prefix,
            "FANFOLD_BUCKET": self.bucket,
            "FANFOLD_DELIVERY": self.delivery,
            "FANFOLD_SLOTS": str(self.slots),
            "FANFOLD_THREADS": str(self.threads),
        }
        if self.meter is not None:
            own["FANFOLD_METER"] = str(self.meter.expanduser().absolute())
        hosts = {
            "FIRESTORE_EMULATOR_HOST": self.firestore_emulator_host,
            "PUBSUB_EMULATOR_HOST": self.pubsub_emulator_host,
            "STORAGE_EMULATOR_HOST": self.storage_emulator_host,
        }
        # empty is not the same as unset to Google's own libraries
        return {**os.environ, **own, **{name: host for name, host in hosts.items() if host}}

    @classmethod
    def from_env(cls) -> Settings:
        try:
            return cls()
        except ValidationError as error:
            wrong = "; ".join(
                f"FANFOLD_{str(it['loc'][0]).upper()}: {it['msg']}, not {it['input']!r}"
                for it in error.errors()
            )
            raise SettingsInvalid(wrong) from None
