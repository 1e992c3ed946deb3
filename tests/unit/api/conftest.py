"""The application over a real engine in a folder, and people who ask it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from httpx import Client

from fanfold.api.app import create_app
from fanfold.domain.people import Principal
from fanfold.errors import Unauthenticated
from fanfold.settings import Settings
from fanfold.testing.serving_app import serving_app
from fanfold.wiring import Fanfold, open_fanfold

FLOWS = """
from fanfold import Access, flow


@flow(retries=0)
def shout(record):
    if record.get("bad"):
        raise ValueError("bad record")
    return record["text"].upper()


@flow(access=Access(starters=("group:editors",), viewers=("vic",), monitors=("group:auditors",)))
def secret(record):
    return record


@flow(source=lambda: ({"id": f"r{n}", "text": "a"} for n in range(300)))
def own(record):
    return record
"""


class ByName:
    """Who asks says so: `Bearer ann`, or `Bearer ann editors auditors` with groups."""

    def principal_of(self, authorization: str | None) -> Principal:
        words = (authorization or "").split()
        if len(words) < 2 or words[0] != "Bearer":
            raise Unauthenticated
        return Principal(words[1], frozenset(words[2:]), is_admin=words[1] == "root")


@pytest.fixture
def fanfold(tmp_path: Path) -> Iterator[Fanfold]:
    (tmp_path / "flows.py").write_text(FLOWS)
    given = {
        "engine": "embedded",
        "home": tmp_path / "home",
        "flows": str(tmp_path / "flows.py"),
    }
    with open_fanfold(Settings.from_env().model_copy(update=given)) as fanfold:
        yield fanfold


@pytest.fixture
def client(fanfold: Fanfold) -> Iterator[Client]:
    with (
        serving_app(create_app(fanfold, ByName())) as address,
        Client(base_url=address, headers={"Authorization": "Bearer ann"}, timeout=60) as client,
    ):
        yield client
