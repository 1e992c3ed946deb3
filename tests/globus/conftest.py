"""The API, served, for Globus' own clients; on the embedded engine and official emulators."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest
from globus_sdk import AccessTokenAuthorizer, FlowsClient, SpecificFlowClient

from fanfold.api.app import create_app
from fanfold.api.server import served
from fanfold.client import Client
from fanfold.domain.people import Principal
from fanfold.engines.google.clients import open_clients
from fanfold.engines.google.provision import provision
from fanfold.errors import Unauthenticated
from fanfold.local.emulators import Emulators
from fanfold.settings import Settings
from fanfold.testing.working import work, working
from fanfold.wiring import Fanfold, open_fanfold

FLOWS = Path(__file__).with_name("flows.py")
ENGINES = ("embedded", "emulators")
each_engine = pytest.mark.parametrize("service", ENGINES, indirect=True)


class ByName:
    """Who asks says so: `Bearer ann`, or `Bearer ann,editors` with groups."""

    def principal_of(self, authorization: str | None) -> Principal:
        kind, _, name = (authorization or "").partition(" ")
        if kind != "Bearer" or not name:
            raise Unauthenticated
        identity, *groups = name.split(",")
        return Principal(identity, frozenset(groups), is_admin=identity == "root")


@dataclass(frozen=True, slots=True)
class Service:
    fanfold: Fanfold
    address: str

    def flows(self, who: str = "ann") -> FlowsClient:
        return FlowsClient(base_url=f"{self.address}/v1/", authorizer=AccessTokenAuthorizer(who))

    def flow(self, flow_id: str, who: str = "ann") -> SpecificFlowClient:
        return SpecificFlowClient(flow_id, authorizer=AccessTokenAuthorizer(who))

    def client(self, who: str = "ann") -> Client:
        return Client(self.address, token=who)

    def work(self) -> None:
        """Until nothing is left to do."""
        work(self.fanfold.ports, library=self.fanfold.library)

    def working(self) -> AbstractContextManager[object]:
        return working(self.fanfold.ports, library=self.fanfold.library)


def settings_for(engine: str, request: pytest.FixtureRequest, folder: Path) -> Settings:
    given = {"engine": "embedded", "home": folder / "home", "flows": str(FLOWS)}
    if engine == "embedded":
        return Settings.from_env().model_copy(update=given)
    emulators: Emulators = request.getfixturevalue("emulators")
    given |= {
        "engine": "google",
        "prefix": f"t{secrets.token_hex(4)}-",
        "firestore_emulator_host": emulators.firestore,
        "pubsub_emulator_host": emulators.pubsub,
    }
    settings = Settings.from_env().model_copy(update=given)
    with open_clients(emulators.firestore, emulators.pubsub) as it:
        provision(it.publisher, it.subscriber, settings.project, settings.prefix, backoff=False)
    return settings


@pytest.fixture
def service(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Service]:
    settings = settings_for(getattr(request, "param", "embedded"), request, tmp_path)
    with open_fanfold(settings) as fanfold, served(create_app(fanfold, ByName())) as address:
        # as SpecificFlowClient is told where the service is
        monkeypatch.setenv("GLOBUS_SDK_SERVICE_URL_FLOWS", f"{address}/v1/")
        yield Service(fanfold, address)
