"""What this process knows of the batches it works for, at most `view_seconds` old.

So a run costs no read of its batch, and cancel, pause and a new generation are noticed within that
time. The flow is found once; one that cannot be loaded here is no fault of the record's, so the
error is kept for the caller, who has the message delivered again, perhaps to a process that can.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from threading import Lock
from time import monotonic

from fanfold.domain.batch import Batch
from fanfold.domain.flow import Flow
from fanfold.ports import Ports
from fanfold.steps.finalize import Flows
from fanfold.steps.policy import Policy

_KEPT = 64


@dataclass(frozen=True, slots=True)
class View:
    batch: Batch
    flow: Flow | None
    #: why there is no flow
    problem: str
    read_at: float


class Views:
    def __init__(
        self,
        ports: Ports,
        policy: Policy,
        flows: Flows,
        *,
        monotonic: Callable[[], float] = monotonic,
        lock: AbstractContextManager[object] | None = None,
    ) -> None:
        """`monotonic` tells how old a view is; `lock` is held while one is read, so that however
        many want it, it is read once."""
        self._ports = ports
        self._policy = policy
        self._flows = flows
        self._views: dict[str, View] = {}
        self._monotonic = monotonic
        self._lock = lock or Lock()

    def of(self, batch_id: str, generation: int = 1) -> View:
        """Raises BatchNotFound. A message of a generation that is not known here yet has the batch
        read anew: it must not be taken for one that is over."""
        with self._lock:
            view = self._views.get(batch_id)
            if (
                view is not None
                and view.batch.generation >= generation
                and self._monotonic() - view.read_at < self._policy.view_seconds
            ):
                return view
            view = self._read(batch_id, view)
            self._views.pop(batch_id, None)
            self._views[batch_id] = view
            while len(self._views) > _KEPT:
                del self._views[next(iter(self._views))]
            return view

    def _read(self, batch_id: str, known: View | None) -> View:
        batch = self._ports.batches.get(batch_id)
        if known is not None and known.flow is not None:
            return View(batch, known.flow, "", self._monotonic())
        try:
            flow, problem = self._flows.resolve(batch.flow), ""
        except Exception as error:  # noqa: BLE001  importing a user's module may raise anything
            flow, problem = None, f"{type(error).__name__}: {error}"
        return View(batch, flow, problem, self._monotonic())
