"""known_flows: those whose code is in sight here, and those that were registered as data.

Code has the first word: a name means the flow that was deployed under it.
"""

from __future__ import annotations

from dataclasses import dataclass

from fanfold import log
from fanfold.domain.people import Access
from fanfold.domain.registered import Registered, flow_id_of
from fanfold.errors import FlowInvalid, FlowNotFound
from fanfold.execution.library import Found, Library
from fanfold.ports import Ports
from fanfold.steps.all_pages import all_pages

_PAGE = 200


@dataclass(frozen=True, slots=True)
class Known:
    """One of them."""

    name: str
    title: str
    description: str
    access: Access
    #: None: it is registered, and cannot run: an action that it calls is not in sight
    found: Found | None
    #: None: it is code
    registered: Registered | None = None

    @property
    def id(self) -> str:
        return flow_id_of(self.name)


def flow_named(ports: Ports, library: Library, name: str) -> Found:
    """To be started. Raises FlowNotFound, FlowInvalid."""
    try:
        return library.named(name)
    except FlowNotFound as missing:
        try:
            return library.registered(ports.flows.get(flow_id_of(name)))
        except FlowNotFound:
            raise missing from None


def all_flows(ports: Ports, library: Library) -> list[Known]:
    """By name."""
    known = {it.flow.name: _of_code(it) for it in library.all()}
    for it in all_pages(lambda after: ports.flows.find(limit=_PAGE, after=after)):
        known.setdefault(it.name, _of_registered(library, it))
    return [known[name] for name in sorted(known)]


def flow_of_id(ports: Ports, library: Library, flow_id: str) -> Known:
    """Raises FlowNotFound."""
    for it in library.all():
        if flow_id_of(it.flow.name) == flow_id:
            return _of_code(it)
    return _of_registered(library, ports.flows.get(flow_id))


def _of_code(found: Found) -> Known:
    flow = found.flow
    return Known(flow.name, flow.title, flow.description, found.access, found)


def _of_registered(library: Library, it: Registered) -> Known:
    found: Found | None = None
    try:
        found = library.registered(it)
    except FlowInvalid as error:
        log.warning("flows.registered", str(error), flow=it.name)
    return Known(it.name, it.title, it.description, it.access, found, it)
