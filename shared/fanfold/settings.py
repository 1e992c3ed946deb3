"""The environment, read once, here. Everything is reported that is wrong with it, not the first."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from fanfold.errors import SettingsInvalid
from fanfold.execution.loading import absolute as absolute_place


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="FANFOLD_", frozen=True, extra="ignore")

    #: which engine: embedded needs nothing but Python
    engine: Literal["embedded"] = "embedded"
    #: the embedded engine's folder
    home: Path = Path(".fanfold")
    #: where flows are found by name: files or dotted modules, separated as in PATH
    flows: str = ""

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
        }
        return {**os.environ, **own}

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
