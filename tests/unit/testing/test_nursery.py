"""Processes that are forked for a test end as any others do, and none is left."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from multiprocessing import Pipe, active_children
from multiprocessing.connection import Connection
from threading import active_count, get_ident, main_thread
from time import sleep

import pytest

from fanfold.testing.faults import die
from fanfold.testing.nursery import end_all, fork


@pytest.fixture(autouse=True)
def none_left() -> Iterator[None]:
    yield
    end_all()
    assert active_children() == []


def hang() -> None:
    sleep(3600)


def tell(answer: Connection) -> None:
    loaded = "fanfold.worker.worker" in sys.modules
    alone = active_count() == 1 and get_ident() == main_thread().ident
    answer.send((os.getpid(), loaded, alone))


def test_each_is_a_process_of_its_own_in_which_all_is_loaded_and_nothing_runs() -> None:
    told = []
    for _ in range(2):
        receiving, sending = Pipe(duplex=False)
        assert fork(tell, sending).wait() == 0
        told.append(receiving.recv())
    first, second = told
    assert len({first[0], second[0], os.getpid()}) == 3
    assert first[1:] == second[1:] == (True, True)


def test_how_it_died_is_known() -> None:
    assert fork(die).wait() == -signal.SIGKILL
    assert fork(sys.exit, 3).wait() == 3


def test_who_hangs_is_ended() -> None:
    hanging = fork(hang)
    assert hanging.poll() is None
    with pytest.raises(TimeoutError, match="not ended within"):
        hanging.wait(0.1)
    assert hanging.poll() == -signal.SIGKILL
