"""What `run_batch` is asked for, as a batch can be created from it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fanfold.domain.flow import Flow
from fanfold.domain.options import BatchOptions
from fanfold.errors import FlowInvalid, OptionInvalid, SettingsInvalid, SourceInvalid, UsageError
from fanfold.execution.library import Found, Library
from fanfold.execution.loading import being_loaded
from fanfold.settings import Settings
from fanfold.sources.open import Opened, open_items, open_source

MAX_THREADS = 1000


class CalledByImport(UsageError):
    """An import would run a batch. Call it under `if __name__ == "__main__":`"""


def settings_for(home: str | os.PathLike[str] | None) -> Settings:
    """The environment's, but always of the embedded engine: the work is done in this process."""
    if (place := being_loaded()) is not None:
        raise CalledByImport(
            f"a batch was to be run while {place} is imported, and each process that looks for "
            'its flows would run it again. Call it under `if __name__ == "__main__":`'
        )
    settings = Settings.from_env()
    if home is None and settings.engine != "embedded":
        raise SettingsInvalid(
            f"FANFOLD_ENGINE is {settings.engine}, but run_batch works in this process, on the "
            "embedded engine. Unset it or name a home=; `fanfold run` uses the other engine"
        )
    path = settings.home if home is None else Path(home)
    home = path.expanduser().absolute()  # the current folder may change
    return settings.model_copy(update={"engine": "embedded", "home": home})


def found_of(library: Library, flow: object) -> Found:
    if isinstance(flow, Flow):
        return library.take(flow)
    if isinstance(flow, str):
        return library.find(flow)
    name = getattr(flow, "__name__", None) or type(flow).__name__
    raise FlowInvalid(f"{name} is no flow. Decorate the function with @flow, or name flows.py:name")


def opened(
    found: Found, records: Iterable[Any] | str | os.PathLike[str] | None, options: BatchOptions
) -> Opened:
    """Its records, and what to call them; nothing is read yet."""
    match records:
        case str() | os.PathLike():
            return open_source([os.fspath(records)], key_field=options.key)
        case None if found.flow.source is not None:
            name = f"the source of {found.flow.name}"
            return open_items(found.flow.source, name, key_field=options.key)
        case None:
            raise SourceInvalid(
                f"flow {found.flow.name} has no source of its own. Give records: "
                f"run_batch({found.flow.name}, [...])"
            )
        case _:
            return open_items(lambda: records, "records", key_field=options.key)


def threads_for(threads: int | None, settings: Settings, concurrency: int | None) -> int:
    """As many as asked for; else more than usual where a limit could not be reached with them."""
    if threads is None:
        return max(settings.threads, min(concurrency or 1, MAX_THREADS))
    if isinstance(threads, bool) or not isinstance(threads, int) or not 1 <= threads <= MAX_THREADS:
        raise OptionInvalid(f"threads must be a number from 1 to {MAX_THREADS:,}, not {threads!r}")
    return threads
