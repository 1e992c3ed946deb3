"""What the parameters mean that many calls have: said once, on the page of all calls."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

#: by name, for whichever call has it and says nothing of its own
_MEANINGS = {
    "batch_id": "the id that the batch was given as it was started: `batch-…`",
    "run_id": "the id that the run was given as it was started",
    "name": "the name of the flow",
    "flow": "the name of a flow",
    "tag": "with this tag",
    "format": "how the results are written",
    "idempotency-key": "any text of yours: the same call with the same one starts nothing twice",
}


def describe_parameters(app: FastAPI) -> None:
    """The document is made when it is first asked for, so calls may be added after this."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            for calls in plain()["paths"].values():
                for call in calls.values():
                    _describe(call.get("parameters", ()))
        return plain()

    app.openapi = described  # type: ignore[method-assign]  # FastAPI's own way to add to it


def _describe(parameters: list[dict[str, Any]]) -> None:
    for it in parameters:
        if it["name"] in _MEANINGS:
            it.setdefault("description", _MEANINGS[it["name"]])
