"""Our functions, served as in the cloud: each in a process of its own, by functions-framework.

In a checkout they lie in `functions/` beside `shared/`, in a wheel in `fanfold/_functions`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import fanfold
from fanfold.errors import FanfoldError
from fanfold.local.addresses import answers
from fanfold.ports import Station
from fanfold.settings import NOBODY_IS_ASKED, Settings

#: each as its folder, and the function in it, are called
NAMES = ("api", "fan_out", "run_flow", "finalize", "dead_letter", "sweep")
#: who gets a station's messages
SERVES = {
    Station.FAN_OUT: "fan_out",
    Station.RUNS: "run_flow",
    Station.FINALIZATIONS: "finalize",
    Station.DEAD_LETTERS: "dead_letter",
}
#: Requests at once, for those that do not run flows.
_REQUESTS = 8
#: functions-framework answers this path itself: asking for it calls no function
_OWN_PATH = "/robots.txt"
#: what functions-framework would take from the environment of whoever starts us
_NOT_OURS = ("DEBUG", "FUNCTION_SIGNATURE_TYPE", "FUNCTION_USE_ASGI", "LOG_EXECUTION_ID", "WORKERS")


class FunctionsMissing(FanfoldError):
    """The functions are not beside the package. Install fanfold from a wheel or a checkout."""


def functions_folder() -> Path:
    package = Path(fanfold.__file__).resolve().parent
    places = [package / "_functions"]
    if package.parent.name == "shared":
        places.insert(0, package.parents[1] / "functions")
    for place in places:
        if (place / "run_flow" / "main.py").is_file():
            return place
    raise FunctionsMissing


def sources() -> dict[str, Path]:
    folder = functions_folder()
    return {name: folder / name / "main.py" for name in NAMES}


def command_of(name: str, source: Path, port: int, python: str = sys.executable) -> list[str]:
    # -P: a file in the current folder must not shadow a module of the standard library.
    begin = [python, "-P", "-m", "functions_framework", "--target", name]
    return [*begin, "--source", str(source), "--host", "127.0.0.1", "--port", str(port)]


def requests_of(name: str, settings: Settings) -> int:
    """At once. One of `run_flow` lasts until its result is committed, with those of others: so
    there are more requests than runs."""
    return 2 * settings.threads if name == "run_flow" else _REQUESTS


def quick_requests_of(name: str, settings: Settings) -> int:
    """While answers come quickly: where a run takes less time than its commit, most requests wait
    for the latter, and the more there are the fewer commits it takes."""
    return 16 * settings.threads if name == "run_flow" else _REQUESTS


def environment_of(name: str, settings: Settings) -> dict[str, str]:
    """As a deployment sets it; but here, on loopback, nobody is asked who they are unless that is
    set."""
    ours = {
        "THREADS": str(requests_of(name, settings)),
        "PYTHONUNBUFFERED": "1",
        "FANFOLD_AUTH": settings.auth or NOBODY_IS_ASKED,
    }
    inherited = settings.environment()
    return {it: value for it, value in inherited.items() if it not in _NOT_OURS} | ours


def is_ready(port: int, seconds: float = 1.0) -> bool:
    return answers(f"127.0.0.1:{port}", _OWN_PATH, seconds)
