"""Registered flows, in documents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fanfold.domain.codec import registered_from_json, registered_to_json
from fanfold.domain.registered import Registered
from fanfold.engines.google import values
from fanfold.engines.google.documents import Layout
from fanfold.engines.google.firestore import Document
from fanfold.engines.google.querying import NAME
from fanfold.errors import FlowNotFound


class GoogleFlows:
    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._firestore = layout.firestore

    def add(self, flow: Registered) -> Registered:
        write = values.create(self._layout.flow(flow.id), _fields(flow))
        return flow if self._firestore.create([write]) else self.get(flow.id)

    def get(self, flow_id: str) -> Registered:
        return _flow_of(self._firestore.get_one(self._layout.flow(flow_id)), flow_id)

    def find(self, limit: int = 100, after: str = "") -> list[Registered]:
        documents = self._firestore.query(
            "",
            self._layout.flows,
            order=NAME,
            after=("", self._layout.flow(after)) if after else None,
            limit=limit,
        )
        return [_flow_of(document, document.id) for document in documents]

    def amend(self, flow_id: str, arrow: Callable[[Registered], Registered]) -> Registered:
        path = self._layout.flow(flow_id)

        def work(document: Document | None) -> tuple[list[Any], Registered]:
            before = _flow_of(document, flow_id)
            after = arrow(before)
            if document is None or after == before:
                return [], after
            return [values.change(path, _fields(after), since=document.update_time)], after

        return self._firestore.swap(path, work)

    def remove(self, flow_id: str) -> None:
        self._firestore.delete([self._layout.flow(flow_id)])


def _fields(flow: Registered) -> dict[str, Any]:
    return {"doc": registered_to_json(flow)}


def _flow_of(document: Document | None, flow_id: str) -> Registered:
    if document is None:
        raise FlowNotFound(f"there is no registered flow {flow_id} here")
    return registered_from_json(document.fields["doc"])
