"""A flow that somebody registered over the network: a graph of registered actions, as data.

    add ──▶ registered ──amend──▶ registered ──remove──▶ gone

What it is made of goes with each batch of it, as the place of the batch's flow: so a batch runs
what it was started with, in whichever process, however often the flow is changed or removed
meanwhile, and no process has to look anything up for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID, uuid5

from fanfold.domain.people import Access

#: begins the place of a flow that is data; the data follow, as JSON
MADE = "<made>:"
#: bytes that it may be made of: each batch of it carries them
MAX_BYTES = 64 * 1024
_NAMES = UUID("6f7b1f0e-5a0e-5d2b-9d7e-0a3f5c1d2e4b")


@lru_cache(maxsize=4096)
def flow_id_of(name: str) -> str:
    """The UUID of any flow, registered or code, for those who know flows by UUIDs."""
    return uuid_named(f"flow {name}")


def uuid_named(text: str) -> str:
    """The same for the same text, for those who know things by UUIDs."""
    return str(uuid5(_NAMES, text))


@dataclass(frozen=True, slots=True)
class Made:
    """What it is made of: a blueprint whose functions are actions (graphs.made), what its records
    must be, and what was said when it was registered, if that was something else."""

    blueprint: Mapping[str, Any]
    #: JSON schema; empty: anything
    input_schema: Mapping[str, Any]
    #: as it was given, where that was no blueprint
    definition: Mapping[str, Any] | None = None

    @property
    def place(self) -> str:
        said = {
            "blueprint": self.blueprint,
            "input_schema": self.input_schema,
            "definition": self.definition,
        }
        return MADE + json.dumps(said, separators=(",", ":"), sort_keys=True)


def made_of(place: str) -> Made | None:
    """None: it is code, and lies at that place."""
    if not place.startswith(MADE):
        return None
    return Made(**json.loads(place.removeprefix(MADE)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    #: its own among all flows here
    name: str
    place: str
    title: str
    subtitle: str = ""
    description: str = ""
    keywords: tuple[str, ...] = ()
    owner: str
    viewers: tuple[str, ...] = ()
    starters: tuple[str, ...] = ()
    administrators: tuple[str, ...] = ()
    run_managers: tuple[str, ...] = ()
    run_monitors: tuple[str, ...] = ()
    created_at: float
    updated_at: float

    @property
    def id(self) -> str:
        return flow_id_of(self.name)

    @property
    def access(self) -> Access:
        """Whoever may change it, may start and see it as well."""
        return Access(
            owner=self.owner,
            viewers=(*self.viewers, *self.administrators),
            starters=(*self.starters, *self.administrators),
            monitors=self.run_monitors,
            managers=self.run_managers,
        )
