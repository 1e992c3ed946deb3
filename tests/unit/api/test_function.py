"""The API as a deployed function, where it cannot be told who asks."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from fanfold.api.function import Deployed
from fanfold.api.server import served


def test_without_a_word_of_who_may_ask_nothing_is_answered(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:1")
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "127.0.0.1:1")
    monkeypatch.delenv("FANFOLD_AUTH", raising=False)
    app = asyncio.run(Deployed().application())
    with served(app) as address:
        answer = httpx.get(f"{address}/api/batches")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:fanfold:not-set-up")
    assert "FANFOLD_AUTH" not in answer.text
    assert "FANFOLD_AUTH" in caplog.text
