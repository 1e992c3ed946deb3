"""Both clients can do the same, and all that the API can."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from datetime import datetime
from typing import Any

import httpx

import fanfold.client as package
from fanfold.client import AsyncClient, Client, bulk_shapes, errors, shapes
from fanfold.client.calls import Request
from fanfold.client.operations import Operations

OWN = {"close", "aclose", "run", "iterate", "local"}
#: what an operation is called with, to see what it sends first
GIVEN: dict[str, Any] = {
    "flow": "shout", "input": 1, "lines": b"", "batch_id": "batch-a", "run_id": "run",
    "record_id": 1, "name": "shout", "run_ids": ["run"], "on_change": print, "age": 1.0,
    "runs": [{}], "flow_ids": ["f"], "provider_id": "p", "role_ids": ["r"],
    "value": True, "generation": 1, "until": datetime.now().astimezone(),
}  # fmt: skip
#: DELETE is POST …/cancel in other words
OTHER_WORDS = {("DELETE", "/api/batches/{batch_id}")}


def names_of(kind: type) -> set[str]:
    return {it for it in dir(kind) if not it.startswith("_")} - OWN


OPERATIONS = names_of(Operations) - {"patience", "get", "started"}


def test_both_have_each_operation_with_its_own_signature_and_words() -> None:
    assert names_of(Client) == names_of(AsyncClient) == OPERATIONS
    for name in OPERATIONS:
        described = getattr(Operations, name)
        for kind in (Client, AsyncClient):
            method = getattr(kind, name)
            assert method.__doc__ == described.__doc__ is not None
            assert inspect.signature(method) == inspect.signature(described)


def test_each_call_of_the_api_is_one_of_theirs(address: str) -> None:
    paths = httpx.get(f"{address}/openapi.json").json()["paths"]
    sent = {_first_of(name) for name in OPERATIONS}
    for path, calls in paths.items():
        form = re.compile(re.sub(r"\{\w+\}", "[^/]+", path))
        for verb in map(str.upper, calls):
            if (verb, path) not in OTHER_WORDS:
                assert any(it == verb and form.fullmatch(to) for it, to in sent), (verb, path)


def _first_of(name: str) -> tuple[str, str]:
    operation = getattr(Operations(), name)
    wanted = inspect.signature(operation).parameters
    positional = [GIVEN[it] for it, about in wanted.items() if _is_needed(about)]
    more = {it: GIVEN[it] for it in wanted if it == "generation"}
    first = operation(*positional, **more).send(None)
    assert isinstance(first, Request)
    return first.verb, first.path


def _is_needed(about: inspect.Parameter) -> bool:
    return about.default is about.empty and about.kind is not about.VAR_KEYWORD


def test_importing_it_loads_no_server_and_no_engine() -> None:
    heavy = ["fastapi", "sqlite3", "google.cloud.firestore", "grpc", "jwt"]
    code = f"import sys, fanfold.client; print([it for it in {heavy} if it in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_each_value_and_error_can_be_imported_from_the_package() -> None:
    kinds = [it for module in (shapes, bulk_shapes, errors) for it in vars(module).values()]
    own = {
        it.__name__
        for it in kinds
        if isinstance(it, type) and it.__module__.startswith("fanfold.client.")
    }
    assert own - {"Shape"} <= set(package.__all__)
