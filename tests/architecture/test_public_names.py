"""What `fanfold` offers is what it says: `__all__` is complete, and nothing leaks beside it."""

from __future__ import annotations
import __future__

from types import ModuleType

import pytest

import fanfold


def public_names() -> set[str]:
    """What a reader's editor would propose after `fanfold.`, its own submodules left aside."""
    return {
        name
        for name in dir(fanfold)
        if not name.startswith("_")
        and not is_own_submodule(getattr(fanfold, name))
        and getattr(fanfold, name) is not __future__.annotations
    }


def is_own_submodule(value: object) -> bool:
    return isinstance(value, ModuleType) and value.__name__.startswith("fanfold.")


def test_all_names_exactly_what_can_be_imported() -> None:
    said = {name for name in fanfold.__all__ if not name.startswith("_")}
    assert public_names() == said


def test_every_name_in_all_exists_and_is_said_once() -> None:
    assert [name for name in fanfold.__all__ if not hasattr(fanfold, name)] == []
    assert len(fanfold.__all__) == len(set(fanfold.__all__))


def test_a_name_that_is_not_there_is_told_as_of_any_module() -> None:
    with pytest.raises(AttributeError, match="module 'fanfold' has no attribute 'run_batches'"):
        _ = fanfold.run_batches
