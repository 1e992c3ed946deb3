"""The environment, read once, here. Everything is reported that is wrong with it, not the first."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from fanfold.errors import SettingsInvalid
from fanfold.execution.loading import absolute as absolute_place

_BUCKET = r"^((gs://)?[a-z0-9][a-z0-9._-]{1,220}[a-z0-9](/.*)?)?$"
_EMAIL = r"^([^@\s]+@[^@\s]+)?$"
#: in FANFOLD_AUTH: nobody is asked who they are
NOBODY_IS_ASKED = "none"
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


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
    #: who may ask over the network: the issuers of bearer tokens, separated by blanks or commas; or
    #: `none`, for a desk: nobody is asked
    auth: str = ""
    #: whom such a token must be meant for
    audience: Annotated[str, Field(validate_default=True)] = ""
    #: who may do everything: identities, `group:NAME`, separated by commas
    admins: str = ""
    #: the claim of a token that lists its groups
    groups_claim: Annotated[str, Field(min_length=1)] = "groups"
    #: the service account that Pub/Sub pushes as, and the audience of its tokens; without, neither
    #: is checked here
    push_account: Annotated[str, Field(pattern=_EMAIL)] = ""
    push_audience: str = ""
    #: how functions and workers log: lines for people, or JSON as Cloud Logging reads it
    log: Literal["text", "json"] = "text"
    #: the emulators, as host:port, the last one also as a URL; without, the cloud
    firestore_emulator_host: str = Field(default="", validation_alias="FIRESTORE_EMULATOR_HOST")
    pubsub_emulator_host: str = Field(default="", validation_alias="PUBSUB_EMULATOR_HOST")
    storage_emulator_host: str = Field(default="", validation_alias="STORAGE_EMULATOR_HOST")

    @property
    def flow_places(self) -> tuple[str, ...]:
        return tuple(place for place in self.flows.split(os.pathsep) if place)

    @property
    def nobody_is_asked(self) -> bool:
        return self.auth.strip() == NOBODY_IS_ASKED

    @property
    def issuers(self) -> tuple[str, ...]:
        return () if self.nobody_is_asked else _separated(self.auth)

    @property
    def admin_people(self) -> tuple[str, ...]:
        return tuple(person.strip() for person in self.admins.split(",") if person.strip())

    @field_validator("auth")
    @classmethod
    def _auth_names_issuers(cls, auth: str) -> str:
        if auth.strip() != NOBODY_IS_ASKED:
            for issuer in _separated(auth):
                if not may_be_asked(issuer):
                    raise ValueError(f"{issuer} is no https:// URL of an issuer, and not `none`")
        return auth

    @field_validator("audience")
    @classmethod
    def _audience_of_issuers(cls, audience: str, info: ValidationInfo) -> str:
        auth = info.data.get("auth", "")
        if not audience and auth.strip() != NOBODY_IS_ASKED and _separated(auth):
            raise ValueError("FANFOLD_AUTH names issuers: name whom their tokens must be meant for")
        return audience

    @field_validator("push_audience")
    @classmethod
    def _push_audience_of_an_account(cls, audience: str, info: ValidationInfo) -> str:
        if audience and info.data.get("push_account") == "":
            raise ValueError("it is checked only where FANFOLD_PUSH_ACCOUNT is set, too")
        return audience

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
            "FANFOLD_AUTH": self.auth,
            "FANFOLD_AUDIENCE": self.audience,
            "FANFOLD_ADMINS": self.admins,
            "FANFOLD_GROUPS_CLAIM": self.groups_claim,
            "FANFOLD_PUSH_ACCOUNT": self.push_account,
            "FANFOLD_PUSH_AUDIENCE": self.push_audience,
            "FANFOLD_LOG": self.log,
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


def may_be_asked(url: str) -> bool:
    """Whether what this address answers can be believed: nobody in between can change it."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    if not host or parts.query or parts.fragment or parts.username is not None:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)


def _separated(words: str) -> tuple[str, ...]:
    return tuple(words.replace(",", " ").split())
