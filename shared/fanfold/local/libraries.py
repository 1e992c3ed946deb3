"""Which of the google engine's libraries are installed, without loading them."""

from __future__ import annotations

from importlib.util import find_spec

INSTALL = "pip install 'fanfold[google]'"
_CLIENTS = {
    "google-cloud-firestore": "google.cloud.firestore_v1",
    "google-cloud-pubsub": "google.pubsub_v1",
}
_SERVING = {"functions-framework": "functions_framework"}
_BUCKETS = {"gcsfs": "gcsfs"}


def missing_clients() -> list[str]:
    return _missing(_CLIENTS)


def missing_serving() -> list[str]:
    return _missing(_SERVING)


def missing_for_buckets() -> list[str]:
    return _missing(_BUCKETS)


def _missing(modules: dict[str, str]) -> list[str]:
    return [name for name, module in modules.items() if not _is_there(module)]


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # the package it is in
        return False
