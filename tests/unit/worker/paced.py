"""Flows that do not run in a lane like others."""

from __future__ import annotations

from typing import Any

from fanfold import flow


@flow(isolation="process")
def isolated(record: Any) -> Any:
    return record


@flow(exclusive=True)
def exclusive(record: Any) -> Any:
    return record
