"""A seed makes one schedule, whoever runs it; nothing that may go wrong stays away; and what is
found is told so that it can be followed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from typing import get_args

import pytest

from fanfold.testing.simulation.__main__ import main
from fanfold.testing.simulation.bugs import BUGS
from fanfold.testing.simulation.plan import Kind, Verb
from fanfold.testing.simulation.simulate import Simulator, Summary, simulate

#: of these each thing must come about in so many, at least
SOME, OFTEN = range(600), 5


@pytest.fixture(scope="module")
def some() -> Summary:
    return simulate(SOME)


def steps_of(simulator: Simulator, seed: int) -> list[str]:
    return [str(step) for step in simulator.run(seed, keep_steps=True).taken]


# -------------------------------------------------------------------- seeds


def test_the_same_seed_makes_the_same_schedule_whatever_came_before() -> None:
    simulator = Simulator()
    first = {seed: steps_of(simulator, seed) for seed in range(20)}
    assert {seed: steps_of(simulator, seed) for seed in reversed(range(20))} == first
    assert {seed: steps_of(Simulator(), seed) for seed in range(20)} == first


def test_another_seed_makes_another_schedule() -> None:
    simulator = Simulator()
    assert len({tuple(steps_of(simulator, seed)) for seed in range(20)}) == 20


def test_the_same_seed_makes_the_same_schedule_in_another_process() -> None:
    """Where sets have another order, and nothing was made before."""
    command = [sys.executable, "-m", "fanfold.testing.simulation", "--seed", "153", "--steps"]
    told = {
        subprocess.run(
            command, env={**os.environ, "PYTHONHASHSEED": it}, capture_output=True, check=True
        ).stdout.decode()
        for it in ("1", "2")
    }
    told.add("\n".join(told_of(153)))
    assert len(told) == 1


def told_of(seed: int) -> list[str]:
    outcome = Simulator().run(seed, keep_steps=True)
    plan = str(outcome.plan).splitlines()
    return [f"seed {seed}", *plan, *map(str, outcome.taken), f"the batch is {outcome.state}", ""]


# --------------------------------------------------------- what comes about


@pytest.mark.parametrize("kind", get_args(Kind))
def test_each_mishap_comes_about(some: Summary, kind: str) -> None:
    assert some.happened[kind] >= OFTEN


@pytest.mark.parametrize("verb", get_args(Verb))
def test_the_user_does_each_thing(some: Summary, verb: str) -> None:
    assert some.happened[f"user: {verb}"] >= OFTEN


@pytest.mark.parametrize("state", ["completed", "failed", "canceled", "paused"])
def test_batches_end_in_each_way_or_are_left_paused(some: Summary, state: str) -> None:
    assert some.states[state] >= OFTEN


@pytest.mark.parametrize("what", ["begun", "skipped"])
def test_batches_that_come_after_others_begin_or_are_skipped(some: Summary, what: str) -> None:
    assert some.happened[f"follower: {what}"] >= OFTEN


def test_most_schedules_have_one_crash_or_none_and_no_batch_is_left_under_way(
    some: Summary,
) -> None:
    assert some.happened["crash before"] + some.happened["crash after"] > len(SOME) / 3
    under_way = {"pending", "running", "canceling", "finalizing"}
    assert not under_way & some.states.keys()


def test_every_option_that_steers_a_schedule_is_used() -> None:
    simulator = Simulator()
    plans = [simulator.run(seed).plan for seed in range(200)]
    used = Counter(option for plan in plans for option in plan.options)
    wanted = {"concurrency", "shuffle", "seed", "priority_field", "error_policy", "canary"}
    assert used.keys() == wanted
    assert {plan.exclusive for plan in plans} == {True, False}
    assert {plan.reaps for plan in plans} == {True, False}
    assert {plan.processes for plan in plans} == {1, 2, 3}
    assert max(act.era for plan in plans for act in plan.acts) >= 2


# -------------------------------------------------------------- the command


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    try:
        status = main(arguments)
    except SystemExit as end:
        status = int(str(end.code or 0))
    told = capsys.readouterr()
    return status, told.out, told.err


def test_schedules_that_are_right_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "--seed", "7", "--schedules", "20")
    assert status == 0
    assert out.startswith("20 schedules from seed 7, ")
    assert "a second: all are right\n" in out
    assert "\nended: completed " in out
    assert "\nin so many of them: " in out


def test_a_violation_is_told_step_by_step_and_how_to_repeat_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, out, _ = run(capsys, "--bug", "a generation not checked", "--schedules", "3000")
    assert status == 1
    lines = out.splitlines()
    seed = lines[0].split()[1]
    assert lines[0] == f"seed {seed} violates: one close per generation"
    assert any("crash" in line or "hang" in line for line in lines)
    assert any("batches.reopen" in line for line in lines)
    (repeat,) = [line for line in lines if line.startswith("repeat it: ")]
    asked = repeat.removeprefix("repeat it: python -m fanfold.testing.simulation ")
    assert asked == f"--seed {seed} --schedules 1 --bug 'a generation not checked'"
    again = run(capsys, "--seed", seed, "--schedules", "1", "--bug", "a generation not checked")
    assert again[0] == 1
    assert again[1].split("repeat it")[0] == out.split("repeat it")[0]
    assert run(capsys, "--seed", seed, "--schedules", "1")[0] == 0, "it is the bug's"


def test_the_steps_of_a_schedule_that_is_right_are_told_if_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(capsys, "--seed", "3", "--schedules", "1", "--steps") == (
        0,
        "\n".join(told_of(3)),
        "",
    )


def test_the_bugs_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "--bug", "list")
    assert status == 0
    assert [line.strip() for line in out.splitlines()] == [bug.name for bug in BUGS]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--seed", "x"], "argument --seed: 'x' is not a whole number of 0 or more"),
        (["--seed", "-1"], "argument --seed: '-1' is not a whole number of 0 or more"),
        (["--schedules", "0"], "argument --schedules: there must be one at least"),
        (["--bug", "ack before setle"], "Did you mean 'ack before settle'?"),
        (["--steps", "--schedules", "2"], "--steps tells those of one schedule"),
    ],
)
def test_what_is_wrong_with_the_arguments_is_said(
    capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    status, out, err = run(capsys, *arguments)
    assert (status, out) == (2, "")
    assert told in err


def test_help_says_what_it_does_with_examples(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "--help")
    assert status == 0
    for word in ("--seed N", "--schedules K", "--bug NAME", "--steps", "examples:", "exit status"):
        assert word in out
