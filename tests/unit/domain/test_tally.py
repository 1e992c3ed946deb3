from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from fanfold.domain.digest import digest_of, mix
from fanfold.domain.outcome import (
    Blame,
    Canceled,
    Failed,
    Failure,
    Outcome,
    Skipped,
    Succeeded,
    Value,
)
from fanfold.domain.run import Run
from fanfold.domain.tally import (
    MAX_ERROR_GROUPS,
    OTHER,
    ErrorGroup,
    Tally,
    add_errors,
    conserve,
    tally_of,
)

BATCH = "batch-aaaaaaaaaaaaaaaa"

naturals = st.integers(0, 10**9)
#: of so few groups that none overflows
few_errors = st.dictionaries(st.sampled_from("abcdef"), naturals).map(
    lambda counts: {name: group(name, count) for name, count in counts.items()}
)
many_errors = st.dictionaries(st.integers(0, 200).map(str), st.integers(1, 9)).map(
    lambda counts: {name: group(name, count) for name, count in counts.items()}
)


def group(name: str, count: int) -> ErrorGroup:
    return ErrorGroup(name, count, "SomeError", name, f"like {name}", 0)


@st.composite
def tallies(draw: st.DrawFn) -> Tally:
    """What some slot may hold at some moment, whole seconds so that sums are exact."""
    names = ("succeeded", "failed", "canceled", "skipped", "waits", "woken", "attempts", "digest")
    counts = {name: draw(naturals) for name in names}
    tally = Tally(seconds=float(draw(naturals)), errors=draw(few_errors))
    return replace(tally, **counts)  # type: ignore[arg-type]


def run(index: int, outcome: Outcome, attempts: int = 1, seconds: float = 0.0) -> Run:
    return Run(BATCH, index, 1, None, outcome, attempts, 0.0, 1.0, seconds)


def failed(index: int, message: str) -> Run:
    return run(index, Failed(Failure(Blame.ERROR, "ValueError", message)))


def distinct_failures(count: int) -> list[Run]:
    letters = "abcdefghijklmnopqrstuvwxyz"
    return [failed(it, f"no {letters[it // 26]}{letters[it % 26]} here") for it in range(count)]


def counted(errors: Sequence[ErrorGroup]) -> int:
    return sum(it.count for it in errors)


# -------------------------------------------------------------------- settling


def test_each_run_is_counted_once_under_its_outcome() -> None:
    tally = tally_of(
        [
            run(0, Succeeded(Value("1")), attempts=3, seconds=0.5),
            run(1, Succeeded(Value("2")), seconds=1.5),
            failed(2, "no price"),
            run(3, Canceled("asked to"), attempts=0),
            run(4, Skipped("not needed"), attempts=0),
        ]
    )
    assert (tally.succeeded, tally.failed, tally.canceled, tally.skipped) == (2, 1, 1, 1)
    assert (tally.settled, tally.attempts, tally.seconds) == (5, 5, 2.0)
    assert tally.digest == digest_of(0, 5)


def test_nothing_settled_adds_nothing() -> None:
    assert tally_of([]) == Tally()


def test_the_same_failure_of_many_records_is_one_group_with_an_example() -> None:
    tally = tally_of([failed(it, f"row {it} has no price") for it in range(4, 13)])
    (only,) = tally.errors.values()
    assert (only.count, only.type, only.pattern) == (9, "ValueError", "row <n> has no price")
    assert (only.example, only.example_index) == ("row 4 has no price", 4)


@given(st.lists(st.integers(0, 2), max_size=60), st.integers(1, 10))
def test_it_does_not_matter_how_runs_are_gathered_into_commits(fates: list[int], size: int) -> None:
    runs = [
        [run(it, Succeeded(Value("1"))), failed(it, "no a"), failed(it, "no b")][fate]
        for it, fate in enumerate(fates)
    ]
    commits = [runs[start : start + size] for start in range(0, len(runs), size)]
    assert sum(map(tally_of, commits), Tally()) == tally_of(runs)


# ---------------------------------------------------------------------- adding


@given(tallies(), tallies(), tallies())
def test_slots_may_be_added_in_any_grouping(a: Tally, b: Tally, c: Tally) -> None:
    assert (a + b) + c == a + (b + c)


@given(tallies(), tallies())
def test_slots_may_be_added_in_any_order(a: Tally, b: Tally) -> None:
    assert replace(a + b, errors={}) == replace(b + a, errors={})
    counts, other = (
        {name: it.count for name, it in tally.errors.items()} for tally in (a + b, b + a)
    )
    assert counts == other


@given(tallies())
def test_an_empty_slot_changes_nothing(tally: Tally) -> None:
    assert tally + Tally() == Tally() + tally == tally


@given(st.lists(st.sampled_from(["settle", "wait", "wake"]), max_size=50))
def test_every_count_only_grows_but_waiting(events: list[str]) -> None:
    """What makes a sum that is read too early too small, and nothing worse."""
    added = {"settle": Tally(succeeded=1, digest=mix(1)), "wait": Tally(waits=1)}
    seen = [Tally()]
    for event in events:
        seen.append(seen[-1] + added.get(event, Tally(woken=1)))
    assert all(
        before.settled <= after.settled
        and before.waits <= after.waits
        and before.woken <= after.woken
        and before.digest <= after.digest
        for before, after in pairwise(seen)
    )


# ---------------------------------------------------------------- error groups


def test_failures_beyond_the_groups_that_are_kept_are_counted_as_other() -> None:
    tally = tally_of(distinct_failures(MAX_ERROR_GROUPS + 30))
    assert len(tally.errors) == MAX_ERROR_GROUPS + 1
    assert tally.errors[OTHER].count == 30
    assert tally.errors[OTHER].type == OTHER


def test_exactly_as_many_groups_as_are_kept_need_no_other() -> None:
    tally = tally_of(distinct_failures(MAX_ERROR_GROUPS))
    assert len(tally.errors) == MAX_ERROR_GROUPS
    assert OTHER not in tally.errors


def test_a_group_that_is_kept_goes_on_counting_when_all_are_taken() -> None:
    full = tally_of(distinct_failures(MAX_ERROR_GROUPS + 1))
    again = full + tally_of([failed(99, "no aa here")])
    assert again.errors[failed(99, "no aa here").outcome.failure.fingerprint].count == 2  # type: ignore[union-attr]


@given(st.lists(many_errors, max_size=4))
def test_no_failure_is_lost_however_groups_are_merged(parts: list[dict[str, ErrorGroup]]) -> None:
    forwards, backwards = Tally(), Tally()
    for part in parts:
        slot = Tally(errors=add_errors({}, part))
        forwards, backwards = forwards + slot, slot + backwards
    total = sum(counted(list(part.values())) for part in parts)
    for merged in (forwards.errors, backwards.errors):
        assert counted(list(merged.values())) == total
        assert len(merged) - (OTHER in merged) <= MAX_ERROR_GROUPS
        assert all(name == it.fingerprint for name, it in merged.items())


# ---------------------------------------------------------------- conservation


@given(tallies(), naturals, naturals)
def test_the_parts_always_add_up_to_the_total(tally: Tally, total: int, running: int) -> None:
    """Whatever was read, a moment apart or in the wrong order: people see no contradiction."""
    counts = conserve(total, tally, running)
    parts = (
        counts.queued,
        counts.running,
        counts.waiting,
        counts.succeeded,
        counts.failed,
        counts.canceled,
        counts.skipped,
    )
    assert sum(parts) == counts.total
    assert min(parts) >= 0
    assert counts.settled == tally.settled


def test_a_batch_half_way_shows_every_part() -> None:
    counts = conserve(20, Tally(succeeded=5, failed=1, waits=4, woken=1), running=2)
    assert (counts.total, counts.queued, counts.running, counts.waiting) == (20, 9, 2, 3)


def test_what_was_settled_is_believed_over_what_was_running() -> None:
    counts = conserve(10, Tally(succeeded=9), running=4)
    assert (counts.running, counts.queued) == (1, 0)


def test_a_total_that_was_read_too_early_gives_way() -> None:
    assert conserve(5, Tally(succeeded=9)).total == 9
