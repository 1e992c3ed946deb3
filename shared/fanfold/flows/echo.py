"""The smallest flow: what goes in comes out. For trying out Fanfold, and for measuring it."""

from __future__ import annotations

from typing import Any

from fanfold import flow


@flow(retries=0)
def echo(record: Any) -> Any:
    """Give the record back as it is."""
    return record
