"""The application over a real engine in a folder, and people who ask it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from httpx import Client

from fanfold.api.app import create_app
from fanfold.api.server import served
from fanfold.domain.people import Principal
from fanfold.errors import Unauthenticated
from fanfold.execution.library import Library
from fanfold.settings import Settings
from fanfold.testing.clock import StillClock
from fanfold.wiring import EMBEDDED, Fanfold
from tests.unit.steps.both import opened

FLOWS = """
from pydantic import BaseModel

from fanfold import Access, Flow, action, flow


@flow(retries=0)
def shout(record):
    if record.get("bad"):
        raise ValueError("bad record")
    return record["text"].upper()


@flow(access=Access(starters=("group:editors",), viewers=("vic",), monitors=("group:auditors",)))
def secret(record):
    return record


@flow
def chatty(record, ctx):
    for n in range(record):
        ctx.log("said", n=n)


@flow
def tells(record, ctx):
    return ctx.parameters


@flow(fold=lambda results: [it.output for it in results])
def folding(record):
    return record


@flow
def paid(record, ctx):
    ctx.spend(0.3)


@flow
def asks(record, ctx):
    ctx.log("about to ask")
    return [ctx.ask("Really?", schema=bool), ctx.ask("How many?", name="many", schema=int)]


both = Flow("both").node("items", lambda record: record).batch(
    "ask", lambda item, ctx: ctx.ask(f"Is {item} fine?"), distributed=True
).edge("items", "ask")


class Typed(BaseModel):
    text: str


@flow
def typed(record: Typed):
    return record.text


@flow(source=lambda: ({"id": f"r{n}", "text": "a"} for n in range(300)))
def own(record):
    return record


def lost():
    yield {"id": "a"}
    raise OSError(2, "No such file", "/srv/private/records.jsonl")


@flow(source=lost)
def broken(record):
    return record


@action(provider="slack", scopes=["chat:write"], roles=["roles/pubsub.publisher"])
def post(message: str) -> str:
    return message


@action(provider="mail", access=Access(starters=(), viewers=("group:editors",)))
def send(message):
    return message


tell = (
    Flow("tell")
    .node("start", lambda record: [record])
    .batch("post", post, concurrency=3)
    .node("last", lambda posted: posted, fallback=send)
    .edge("start", "post", when="len(output) > 0")
    .edge("post", "last")
)
wrong = Flow("wrong").node("a", post).edge("a", "b")
"""


class ByName:
    """Who asks says so: `Bearer ann`, or `Bearer ann editors auditors` with groups."""

    def principal_of(self, authorization: str | None) -> Principal:
        words = (authorization or "").split()
        if len(words) < 2 or words[0] != "Bearer":
            raise Unauthenticated
        return Principal(words[1], frozenset(words[2:]), is_admin=words[1] == "root")


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def fanfold(request: pytest.FixtureRequest, tmp_path: Path, clock: StillClock) -> Iterator[Fanfold]:
    """On the embedded engine, unless a test is to be run on the other one as well."""
    engine = getattr(request, "param", "embedded")
    flows = tmp_path / "flows.py"
    flows.write_text(FLOWS)
    given = {"engine": engine, "home": tmp_path / "home", "flows": str(flows)}
    settings = Settings.from_env().model_copy(update=given)
    with opened(engine, tmp_path, clock) as ports:
        yield Fanfold(settings, ports, EMBEDDED, Library(settings.flow_places))


@pytest.fixture
def client(fanfold: Fanfold) -> Iterator[Client]:
    with (
        served(create_app(fanfold, ByName())) as address,
        Client(base_url=address, headers={"Authorization": "Bearer ann"}, timeout=60) as client,
    ):
        yield client
