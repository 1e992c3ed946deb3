"""Finding actions: among what modules define, in the places where flows are found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from fanfold.domain.action import Action, action_of

#: a place, as it was named, and the module that is there
Loaded = tuple[str, ModuleType]


@dataclass(frozen=True, slots=True)
class FoundAction:
    action: Action
    fn: Callable[..., Any]
    #: `/absolute/file.py:attribute` or `package.module:attribute`
    place: str
    #: whether it is defined there, and not imported
    is_at_home: bool


def actions_among(tiers: Iterable[Iterable[Loaded]], problems: list[str]) -> list[FoundAction]:
    """By id; the first tier that has an id wins, as it does among flows."""
    by_id: dict[str, FoundAction] = {}
    for tier in tiers:
        mine: dict[str, FoundAction] = {}
        for found in (it for loaded in tier for it in _within(*loaded)):
            other = mine.setdefault(found.action.id, found)
            if other.action is not found.action:
                problems.append(
                    f"two actions have the id {found.action.id!r}: {other.place} and "
                    f"{found.place}. Give one of them another one: @action(id=…)"
                )
            elif found.is_at_home and not other.is_at_home:
                mine[found.action.id] = found
        by_id = mine | by_id
    return sorted(by_id.values(), key=lambda found: found.action.id)


def _within(place: str, module: ModuleType) -> Iterator[FoundAction]:
    """One with two names in a module counts once."""
    seen: set[int] = set()
    for name, it in list(vars(module).items()):
        action = action_of(it)
        if action is not None and id(action) not in seen:
            seen.add(id(action))
            home = getattr(it, "__module__", None)
            yield FoundAction(action, it, f"{place}:{name}", home == module.__name__)
