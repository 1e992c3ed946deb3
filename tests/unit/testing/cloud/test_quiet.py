"""When time may pass for what the dead have held: not while anybody is still being answered."""

from __future__ import annotations

from threading import Thread

from fanfold.engines.google import values
from fanfold.engines.google.firestore import Firestore
from fanfold.testing.cloud import Cloud
from fanfold.testing.working import until


def test_it_is_quiet_once_everybody_is_answered(cloud: Cloud, firestore: Firestore) -> None:
    cloud.limits.commit_seconds = 0.2
    one, before = firestore.path("runs", "one"), cloud.operations
    asking = Thread(target=firestore.commit, args=([values.create(one, {})],))
    asking.start()
    until(lambda: (cloud.operations - before).calls["Commit"])
    cloud.until_quiet()
    assert (cloud.operations - before).written == 1
    asking.join()
