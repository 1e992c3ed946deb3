"""Who asks, and what of what there is they may see: what every call begins with."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from time import monotonic
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from fanfold.domain.access import Action, check_batch, check_flow, may
from fanfold.domain.batch import Batch
from fanfold.domain.people import Access, Principal
from fanfold.domain.registered import flow_id_of
from fanfold.errors import BatchNotFound, FlowNotFound, RunNotFound
from fanfold.execution.library import Found
from fanfold.identity import Authenticator
from fanfold.steps.find_run import place_of
from fanfold.steps.known_flows import flow_named
from fanfold.wiring import Fanfold

_BATCH_ID = re.compile(r"batch-[a-z2-7]{16}")
#: of a flow that is not known here: what was started of it is its people's own
_UNKNOWN = Access(starters=())
_KNOWN_SECONDS = 2.0
_KNOWN_FLOWS = 10_000


@dataclass(slots=True)
class Desk:
    """What all calls share."""

    fanfold: Fanfold
    authenticator: Authenticator
    #: by flow: until when it is known. A process has the code that it has loaded; what is
    #: registered changes
    _access: dict[str, tuple[Access, float]] = field(default_factory=dict)

    def access_of(self, flow: str) -> Access:
        known, until = self._access.get(flow, (_UNKNOWN, 0.0))
        if until > monotonic():
            return known
        try:
            known, until = self.fanfold.library.named(flow).access, math.inf
        except FlowNotFound:
            known, until = self._registered_access(flow), monotonic() + _KNOWN_SECONDS
        if len(self._access) >= _KNOWN_FLOWS:
            self._access.clear()
        self._access[flow] = known, until
        return known

    def _registered_access(self, flow: str) -> Access:
        try:
            return self.fanfold.ports.flows.get(flow_id_of(flow)).access
        except FlowNotFound:
            return _UNKNOWN


@dataclass(frozen=True, slots=True)
class Asker:
    """Somebody, at the desk."""

    principal: Principal
    desk: Desk

    @property
    def fanfold(self) -> Fanfold:
        return self.desk.fanfold

    @property
    def on_google(self) -> bool:
        return self.fanfold.settings.engine == "google"

    def flow(self, action: Action, name: str) -> Found:
        """Raises FlowNotFound, Forbidden."""
        check_flow(self.principal, action, name, self.desk.access_of(name))
        return flow_named(self.fanfold.ports, self.fanfold.library, name)

    def batch(self, action: Action, batch_id: str) -> Batch:
        """Raises BatchNotFound, Forbidden."""
        if not _BATCH_ID.fullmatch(batch_id):
            raise BatchNotFound
        batch = self.fanfold.ports.batches.get(batch_id)
        check_batch(self.principal, action, batch, self.desk.access_of(batch.flow.name))
        return batch

    def run(self, action: Action, run_id: str) -> tuple[Batch, int]:
        """Its batch, and its index there. Raises RunNotFound, Forbidden."""
        batch_id, index = place_of(run_id)
        try:
            batch = self.batch(action, batch_id)
        except BatchNotFound:
            raise RunNotFound from None
        if index >= max(batch.known_total, int(batch.single)):
            raise RunNotFound
        return batch, index

    def sees(self, batch: Batch) -> bool:
        return self._may(Action.SEE, batch)

    def holds(self, batch: Batch) -> bool:
        return self._may(Action.HOLD, batch)

    def _may(self, action: Action, batch: Batch) -> bool:
        return may(self.principal, action, batch, self.desk.access_of(batch.flow.name))


#: so that the document says how one tells who one is; it is the desk that believes it, or not
_BEARER = HTTPBearer(auto_error=False, description="A token of an issuer that is configured.")


def _asker(request: Request, _: Annotated[object, Depends(_BEARER)]) -> Asker:
    desk: Desk = request.app.state.desk
    principal = desk.authenticator.principal_of(request.headers.get("authorization"))
    return Asker(principal, desk)


#: what a call asks for to know who it is for
Asking = Annotated[Asker, Depends(_asker)]
