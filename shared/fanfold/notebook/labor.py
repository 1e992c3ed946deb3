"""A worker in a thread of this process, for one batch.

It has an engine of its own. So it can finish what it is at, and close what it opened, also when
whoever started it could not wait for that.
"""

from __future__ import annotations

from threading import Event, Thread

from fanfold.domain.batch import Batch
from fanfold.domain.flow import Flow
from fanfold.errors import EngineError
from fanfold.settings import Settings
from fanfold.wiring import open_fanfold
from fanfold.worker.worker import Worker

_LOOK_SECONDS = 0.1


class LaborEnded(EngineError):
    """The worker ended before its batch did. The batch is kept: go on with `resume_batch`."""


class Labor:
    def __init__(self, settings: Settings, batch: Batch, flow: Flow, threads: int) -> None:
        self._settings = settings
        self._batch = batch
        self._flow = flow
        self._threads = threads
        self._worker: Worker | None = None
        self._stopping = Event()
        self._error: BaseException | None = None
        self._thread = Thread(target=self._work, name="fanfold-labor", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def check(self) -> None:
        """Raises what ended it, should it have ended by itself."""
        if self._thread.is_alive() or self._stopping.is_set():
            return
        if self._error is not None:
            raise self._error
        raise LaborEnded

    def stop(self) -> None:
        """Nothing new begins; what runs is finished."""
        self._stopping.set()
        if self._worker is not None:
            self._worker.stop()

    def wait(self) -> None:
        while self._thread.is_alive():
            self._thread.join(_LOOK_SECONDS)

    def _work(self) -> None:
        try:
            with open_fanfold(self._settings, only=self._batch.id) as fanfold:
                fanfold.library.take(self._flow, self._batch.flow.place)
                self._worker = fanfold.worker(self._threads)
                if not self._stopping.is_set():  # else `stop` may have come too early to be told
                    self._worker.run()
        except BaseException as error:  # noqa: BLE001  raised again where somebody waits for it
            self._error = error
