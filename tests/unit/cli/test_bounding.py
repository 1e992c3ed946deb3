"""A worker's bounds, as its options say them and as its processes are told them."""

from __future__ import annotations

from typing import Any

import pytest

from fanfold.cli.bounding import arguments_of, bounds_of
from fanfold.cli.main import program
from fanfold.cli.workers import worker_command
from fanfold.errors import OptionInvalid
from fanfold.worker.bounds import MIB, USUAL, Bounds

NAMES = ("max_messages", "max_bytes", "max_memory", "max_load", "grace")


def understood(*options: str) -> Bounds:
    """By `fanfold worker`."""
    with program().commands["worker"].make_context("worker", list(options)) as context:
        given: dict[str, Any] = context.params
    return bounds_of(**{name: given[name] for name in NAMES})


def test_who_says_nothing_gets_the_usual_bounds() -> None:
    assert understood() == USUAL == Bounds(5000, 256 * MIB, None, None, None, None)


@pytest.mark.parametrize(
    ("options", "bounds"),
    [
        (("--max-messages", "7"), Bounds(messages=7)),
        (("--max-bytes", "64MiB"), Bounds(bytes=64 * MIB)),
        (("--max-memory", "2MiB"), Bounds(memory=2 * MIB)),
        (("--max-memory", "80%"), Bounds(memory_share=0.8)),
        (("--max-load", "1.5"), Bounds(load=1.5)),
        (("--grace", "2m"), Bounds(grace=120.0)),
        (("--grace", "0"), Bounds(grace=0.0)),
    ],
    ids=lambda it: " ".join(it) if isinstance(it, tuple) else "",
)
def test_each_option_is_a_bound_and_each_process_of_several_gets_it(
    options: tuple[str, ...], bounds: Bounds
) -> None:
    assert understood(*options) == bounds
    command = worker_command(4, *arguments_of(bounds))
    assert understood(*command[command.index("worker") + 1 :]) == bounds


@pytest.mark.parametrize("load", [0.0, -1.0, float("nan")])
def test_a_load_that_is_always_exceeded_is_refused(load: float) -> None:
    with pytest.raises(OptionInvalid, match=r"--max-load .*: it must be above 0"):
        bounds_of(1, "1", None, load, None)


def test_what_is_no_memory_names_both_forms() -> None:
    with pytest.raises(OptionInvalid, match=r"--max-memory lots: say a size .*, or a share .* 80%"):
        bounds_of(1, "1", "lots", None, None)
