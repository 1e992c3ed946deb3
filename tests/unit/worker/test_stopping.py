"""Being told to stop, also by a signal's handler."""

from __future__ import annotations

import subprocess
import sys
from threading import Thread
from time import monotonic

from fanfold.worker.stopping import Stopping

_STORM = """
import os, signal, threading, time
from fanfold.worker.stopping import Stopping

stopping = Stopping()
signal.signal(signal.SIGUSR1, lambda *_: stopping.set())
def storm():
    while not done:
        os.kill(os.getpid(), signal.SIGUSR1)
done = False
threading.Thread(target=storm, daemon=True).start()
for _ in range(20_000):
    stopping.wait(0.0001)
done = True
print("survived")
"""


def test_who_waits_goes_on_once_it_is_set() -> None:
    stopping = Stopping()
    assert not stopping.wait(0.01)
    waiting = Thread(target=stopping.wait, args=(600.0,), daemon=True)
    waiting.start()
    stopping.set()
    waiting.join(30)
    assert not waiting.is_alive()
    assert stopping.is_set()


def test_waiting_lasts_as_long_as_it_should() -> None:
    begin = monotonic()
    Stopping().wait(0.05)
    assert monotonic() - begin >= 0.05


def test_a_handler_that_sets_it_while_the_main_thread_waits_does_not_hang() -> None:
    """An Event does, sooner or later."""
    command = [sys.executable, "-c", _STORM]
    storm = subprocess.run(command, check=False, capture_output=True, timeout=60)
    assert storm.stdout == b"survived\n", storm.stderr
