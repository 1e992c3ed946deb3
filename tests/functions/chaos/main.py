"""run_flow as it is deployed, where things go wrong as a file says, whose name is in CHAOS:

{"faults": [["runs", "settle", "after", 2, null]], "refuses": 0.1, "loses": 0.1,
 "lives": 3, "folder": …}

It dies at the named calls in its first lives; by chance it refuses a request unseen, and by chance
its answer to one that it has served is lost: then Pub/Sub hears 500 instead.
"""

from __future__ import annotations

import json
import os
import random
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import functions_framework.aio

from fanfold.ports import Ports, Station
from fanfold.serving import AsyncRequest, Serving
from fanfold.settings import Settings
from fanfold.testing.faults import Fault, die, with_faults
from fanfold.wiring import open_google

PLAN = json.loads(Path(os.environ["CHAOS"]).read_text())
CHANCE = random.Random(7)


def die_in_the_first_lives() -> None:
    """Each death leaves a file, so that the number of lives is known to the next."""
    folder = Path(PLAN["folder"])
    if len(list(folder.iterdir())) < PLAN.get("lives", 3):
        (folder / secrets.token_hex(4)).touch()
        die()


@contextmanager
def faulty(settings: Settings) -> Iterator[Ports]:
    with open_google(settings) as ports:
        faults = [
            Fault(port, verb, when, die_in_the_first_lives, nth, Station(at) if at else None)
            for port, verb, when, nth, at in PLAN.get("faults", [])
        ]
        yield with_faults(ports, faults)


serving = Serving(faulty)


@functions_framework.aio.http
async def run_flow(request: AsyncRequest) -> tuple[str, int]:
    if CHANCE.random() < PLAN.get("refuses", 0.0):
        return "chaos: refused", 500
    answer = await serving.serve_run(request)
    if CHANCE.random() < PLAN.get("loses", 0.0):
        return "chaos: lost", 500
    return answer
