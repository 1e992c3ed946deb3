"""A worker that pulls on the google engine, in a process that is forked:

fork(pull_until_killed, settings, 4)
"""

from __future__ import annotations

from fanfold.settings import Settings
from fanfold.wiring import open_fanfold


def pull_until_killed(settings: Settings, threads: int) -> None:
    with open_fanfold(settings) as fanfold:
        fanfold.worker(threads).run()
