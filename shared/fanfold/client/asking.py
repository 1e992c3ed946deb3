"""What all operations do: ask for something, start something, choose from a list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from fanfold.client.calls import Call, Operation
from fanfold.client.patience import Patience


def without_nones(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}


def drawn_key() -> str:
    return uuid4().hex


@dataclass(frozen=True, slots=True)
class Asking:
    patience: Patience = field(default_factory=Patience)

    def get(self, path: str) -> Operation[Any]:
        return (yield from self.patience.ask(Call(verb="GET", path=path))).json

    def started(
        self, path: str, body: dict[str, Any], request_id: str | None, shape: type[Any]
    ) -> Operation[Any]:
        """The key is drawn once, and is the same for each time that it is sent."""
        headers = {"Idempotency-Key": request_id or drawn_key()}
        call = Call(verb="POST", path=path, json=body, headers=headers)
        return shape.read((yield from self.patience.ask(call)).json)


def chosen_by(
    status: str | None,
    flow: str | None,
    label: str | None,
    tag: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
) -> dict[str, Any]:
    return {
        "status": status,
        "flow": flow,
        "label": label,
        "tag": tag,
        "since": since and since.isoformat(),
        "until": until and until.isoformat(),
        "limit": limit,
    }
