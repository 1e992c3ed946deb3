"""The API over the embedded engine of this machine, in this process, for a client of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def local_api(home: str | None = None) -> Iterator[str]:
    """Its address. Nobody is asked who they are: it listens at loopback alone."""
    # a client of another machine's API does without all of this
    from fanfold.api.app import create_app
    from fanfold.api.server import served
    from fanfold.identity import authenticator
    from fanfold.settings import NOBODY_IS_ASKED, Settings
    from fanfold.wiring import open_fanfold

    settings = Settings.from_env()
    folder = settings.home if home is None else Path(home)
    given = {"engine": "embedded", "auth": NOBODY_IS_ASKED, "home": folder.expanduser().absolute()}
    settings = settings.model_copy(update=given)
    with (
        open_fanfold(settings) as fanfold,
        served(create_app(fanfold, authenticator(settings))) as address,
    ):
        yield address
