"""Processes for tests of many, or of ones that die: each is forked from a nursery.

The nursery has loaded what a worker loads, and done nothing: no thread, no connection. To load it
takes a process longer than most of what such a test looks at. Whoever is forked is a process like
any other: it opens its own engine, and dies alone.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from multiprocessing import active_children, get_context
from multiprocessing.context import ForkServerContext
from typing import Any

#: what is loaded there; google's libraries only where they are installed
_LOADED = (
    "fanfold.testing.crashing",
    "fanfold.testing.settling",
    "fanfold.engines.google.clients",
    "fanfold.engines.google.engine",
)


class Forked:
    """As `subprocess.Popen`, as far as tests need it."""

    def __init__(self, work: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        # a daemon: it does not outlive who started it
        self._process = nursery().Process(target=work, args=arguments, daemon=True)
        self._process.start()

    def poll(self) -> int | None:
        """Its exit code, negative for a signal's; None while it lives."""
        return self._process.exitcode

    def wait(self, seconds: float = 60.0) -> int:
        """Until it has ended. The seconds end a hang, and the process: it would slow down every
        test after this one."""
        self._process.join(seconds)
        code = self._process.exitcode
        if code is None:
            self.kill()
            raise TimeoutError(f"the process has not ended within {seconds:g} s")
        return code

    def kill(self) -> None:
        self._process.kill()
        self._process.join()


def fork(work: Callable[..., None], *arguments: Any) -> Forked:
    """Calls it in a process of its own."""
    return Forked(work, arguments)


def end_all() -> None:
    """Those that a test which failed has left."""
    for left in active_children():
        left.kill()
        left.join()


@cache
def nursery() -> ForkServerContext:
    context = get_context("forkserver")
    context.set_forkserver_preload(list(_LOADED))
    return context
