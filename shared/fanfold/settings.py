"""The environment, read once, here. Everything is reported that is wrong with it, not the first."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from fanfold.errors import SettingsInvalid


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
