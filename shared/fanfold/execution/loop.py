"""One event loop on one thread, for all async flows of a worker."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from threading import Event, Lock, Thread
from typing import Any

from fanfold.execution.context import Cancellation

_log = logging.getLogger("fanfold")
#: how long `stop` lets canceled flows clean up
GRACE = 2.0


class Errand:
    """A coroutine on the loop; whoever sent it waits for it in another thread."""

    def __init__(
        self, coroutine: Coroutine[Any, Any, Any], loop: asyncio.AbstractEventLoop
    ) -> None:
        self._coroutine = coroutine
        self._loop = loop
        self._task: asyncio.Task[None] | None = None
        self._asked_to_stop = False
        self._done = Event()
        self._value: Any = None
        self._error: BaseException | None = None

    def wait(self) -> Any:
        """What the coroutine returns; raises what it raises."""
        self._done.wait()
        error, self._error = self._error, None
        if error is not None:
            try:
                raise error
            finally:
                del error  # it holds this frame, which holds it: the collector would have to come
        return self._value

    def wait_unless(self, canceled: Cancellation) -> Any:
        """As `wait`; it is canceled when that is told."""
        canceled.call(self.cancel)
        try:
            return self.wait()
        finally:
            canceled.forget(self.cancel)

    def cancel(self) -> None:
        """From any thread; once it is done, without effect."""
        try:
            self._loop.call_soon_threadsafe(self._cancel)
        except RuntimeError:  # the loop is closed, and with it all is over
            self._done.set()

    def _cancel(self) -> None:
        if self._task is None:
            self._asked_to_stop = True
        else:
            self._task.cancel()

    async def run(self) -> None:
        """Never raises: an exception would end the loop, if it is SystemExit, for all flows."""
        self._task = asyncio.current_task()
        if self._asked_to_stop and self._task is not None:
            self._task.cancel()  # takes effect where the coroutine first waits
        try:
            self._value = await self._coroutine
        except BaseException as error:  # noqa: BLE001  raised again by `wait`
            self._error = error
        finally:
            self._done.set()

    def abandon(self) -> None:
        if not self._done.is_set():
            self._error = asyncio.CancelledError("the worker has stopped")
            self._done.set()


class LoopThread:
    """Starts with the first errand; once stopped, it stays so."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: Thread | None = None
        self._stopped = False
        # the loop itself holds its tasks weakly
        self._errands: dict[asyncio.Task[None], Errand] = {}

    def send(self, coroutine: Coroutine[Any, Any, Any]) -> Errand:
        with self._lock:
            if self._stopped:
                coroutine.close()
                raise RuntimeError("the event loop has been stopped")
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = Thread(
                    target=self._run, args=(self._loop,), name="fanfold-loop", daemon=True
                )
                self._thread.start()
            errand = Errand(coroutine, self._loop)
            self._loop.call_soon_threadsafe(self._begin, errand)
        return errand

    def stop(self) -> None:
        """Cancel what is left, give it a moment to clean up, and end the thread."""
        with self._lock:
            if self._stopped or self._loop is None or self._thread is None:
                self._stopped = True
                return
            self._stopped = True
            self._loop.call_soon_threadsafe(self._begin_to_end)
        self._thread.join(2 * GRACE)  # in vain if a flow blocks the loop; it is a daemon

    def _begin(self, errand: Errand) -> None:
        task = asyncio.get_running_loop().create_task(errand.run())
        self._errands[task] = errand
        task.add_done_callback(self._errands.pop)

    def _begin_to_end(self) -> None:
        self._ending = asyncio.get_running_loop().create_task(self._end())

    async def _end(self) -> None:
        loop = asyncio.get_running_loop()
        for errand in self._errands.values():
            errand.cancel()
        if self._errands:
            await asyncio.wait(list(self._errands), timeout=GRACE)
        for errand in self._errands.values():
            errand.abandon()
        await loop.shutdown_asyncgens()
        loop.stop()

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        while True:
            try:
                loop.run_forever()
            except BaseException:  # noqa: BLE001  SystemExit, in a task that a flow started itself
                _log.exception("a flow tried to end the event loop", extra={"action": "loop"})
            else:
                if self._stopped:
                    break
        loop.close()
