"""A bug to seed: what is wrong, in the place of what is right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

#: the name of an attribute, where it is, and what is wrong in its place, made of what is right
Wrong = tuple[Any, str, Callable[[Any], Any]]


@dataclass(frozen=True, slots=True)
class Bug:
    name: str
    #: the invariant that it breaks first
    caught_by: str
    wrong: Wrong
    #: a schedule that has caught it, where that is late among them: to be tried first
    seen_at: int = 0

    @contextmanager
    def seeded(self) -> Iterator[None]:
        """The wrong version is in the place of the right one."""
        place, name, made = self.wrong
        right = getattr(place, name)
        setattr(place, name, made(right))
        try:
            yield
        finally:
            setattr(place, name, right)


def nothing(_: Any) -> Any:
    """In the place of what is not done."""
    return lambda *_, **__: None
