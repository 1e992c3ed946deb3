"""Ids of this dialect, as they come in an address."""

from __future__ import annotations

from uuid import UUID

from fanfold.errors import FlowNotFound


def parsed_id(flow_id: str) -> str:
    """Raises FlowNotFound for what can be nobody's."""
    try:
        return str(UUID(flow_id))
    except ValueError:
        raise FlowNotFound from None
