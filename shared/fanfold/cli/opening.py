"""Opening the engine, and finding the batch that the user means."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fanfold.domain.batch import Batch
    from fanfold.ports import Ports
    from fanfold.wiring import Fanfold

#: names the newest batch
LAST = "last"
_PAGE = 500
_MAX_NAMED = 4


@contextmanager
def opened_if_there(engine: str | None = None) -> Iterator[Fanfold | None]:
    """For looking only: a folder that is not there yet is not made by looking for it."""
    from fanfold.errors import HomeRefused
    from fanfold.local.reach import reach
    from fanfold.wiring import open_fanfold

    reached = reach(engine)
    home = reached.settings.home.expanduser().absolute()
    if not reached.is_google and not home.is_dir():
        if home.exists():
            raise HomeRefused(f"{home} is no folder. Set FANFOLD_HOME to one")
        yield None
        return
    reached.check()
    with open_fanfold(reached.settings) as fanfold:
        yield fanfold


@contextmanager
def opened_at(text: str, engine: str | None) -> Iterator[tuple[Fanfold, Batch]]:
    """The engine, and the batch that `text` means."""
    with opened_at_home(engine) as fanfold:
        yield fanfold, find_batch(fanfold.ports, text)


@contextmanager
def opened_at_home(engine: str | None) -> Iterator[Fanfold]:
    """For whoever looks for a batch: there must be some."""
    from fanfold.errors import BatchNotFound
    from fanfold.settings import Settings

    with opened_if_there(engine) as fanfold:
        if fanfold is None:
            home = Settings.from_env().home.expanduser().absolute()
            raise BatchNotFound(
                f"there are no batches here: {home} does not exist. `fanfold run` makes the first "
                "one; FANFOLD_HOME names another home."
            )
        yield fanfold


def find_batch(ports: Ports, text: str) -> Batch:
    """By its id, by the beginning of it that no other one has, or `last`."""
    from fanfold.domain.ids import PREFIX, check_batch_id
    from fanfold.domain.lineage import ASKED_FOR
    from fanfold.errors import BatchNotFound

    if text == LAST:
        newest = ports.batches.find(limit=1, kinds=ASKED_FOR)
        if not newest:
            raise BatchNotFound("there are no batches here yet. `fanfold run` makes the first one.")
        return newest[0]
    name = text if text.startswith(PREFIX) else PREFIX + text
    if len(name) >= len(PREFIX) + 16:
        return ports.batches.get(check_batch_id(name))
    found = [batch for batch in _all(ports) if batch.id.startswith(name)]
    if len(found) == 1 and name != PREFIX:
        return found[0]
    if not found:
        raise BatchNotFound(
            f"no batch's id begins with {text!r}. `fanfold list` lists the batches in this home."
        )
    names = ", ".join(batch.id for batch in found[:_MAX_NAMED])
    more = ", …" if len(found) > _MAX_NAMED else ""
    raise BatchNotFound(f"{text!r} begins {len(found)} ids: {names}{more}. Type more of it.")


def _all(ports: Ports) -> Iterator[Batch]:
    from fanfold.steps.all_pages import all_pages

    return all_pages(lambda it: ports.batches.find(limit=_PAGE, before=it))
