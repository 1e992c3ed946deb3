from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.domain.frontier import Release, Window, free, grant, settle_up
from fanfold.domain.tally import Tally


def granted(
    window: Window,
    tally: Tally,
    concurrency: int,
    paged: int,
    due: tuple[int, ...] = (),
    at_least: int = 1,
) -> tuple[Window, Release | None]:
    return grant(
        window,
        tally,
        concurrency=concurrency,
        paged=paged,
        due=due,
        token="t1",  # noqa: S106
        record=7,
        now=5.0,
        at_least=at_least,
    )


def test_at_first_as_many_are_released_as_the_limit_allows() -> None:
    window, release = granted(Window(), Tally(), concurrency=3, paged=10)
    assert release == Release("t1", 0, 3, 7, 5.0)
    assert window == Window(3, {"t1": release})


def test_one_that_ends_makes_room_for_one() -> None:
    _, release = granted(Window(3), Tally(succeeded=1), concurrency=3, paged=10)
    assert release is not None
    assert (release.start, release.stop) == (3, 4)


def test_one_that_waits_makes_room_for_one() -> None:
    assert free(Window(3), Tally(waits=1), 3) == 1


def test_a_full_house_releases_nothing() -> None:
    assert granted(Window(3), Tally(), concurrency=3, paged=10) == (Window(3), None)


def test_no_more_is_released_than_is_paged() -> None:
    _, release = granted(Window(), Tally(), concurrency=100, paged=4)
    assert release is not None
    assert len(release) == 4
    assert granted(Window(4), Tally(), concurrency=100, paged=4) == (Window(4), None)


def test_runs_that_are_due_go_before_new_ones() -> None:
    window, release = granted(
        Window(10), Tally(succeeded=5, waits=4), concurrency=4, paged=20, due=(2, 6)
    )
    assert release is not None
    assert (release.woken, release.start, release.stop) == ((2, 6), 10, 11)
    assert window.released == 11


def test_no_more_are_woken_than_there_is_room_for() -> None:
    _, release = granted(
        Window(10), Tally(succeeded=5, waits=3), concurrency=4, paged=20, due=(1, 2, 3)
    )
    assert release is not None
    assert (release.woken, len(release)) == ((1, 2), 2)


def test_a_lowered_limit_releases_nothing_until_enough_have_ended() -> None:
    assert granted(Window(10), Tally(succeeded=2), concurrency=3, paged=20, due=(1,))[1] is None
    assert granted(Window(10), Tally(succeeded=7), concurrency=3, paged=20)[1] is None
    _, release = granted(Window(10), Tally(succeeded=8), concurrency=3, paged=20)
    assert release is not None
    assert len(release) == 1


def test_a_raised_limit_releases_the_difference() -> None:
    _, release = granted(Window(10), Tally(), concurrency=25, paged=100)
    assert release is not None
    assert len(release) == 15


def test_a_release_must_be_worth_its_write() -> None:
    assert granted(Window(16), Tally(succeeded=3), 16, 100, at_least=4)[1] is None
    _, release = granted(Window(16), Tally(succeeded=4), 16, 100, at_least=4)
    assert release is not None
    assert len(release) == 4


def test_the_last_records_are_released_however_few() -> None:
    _, release = granted(Window(99), Tally(succeeded=98), 16, 100, at_least=4)
    assert release is not None
    assert len(release) == 1
    _, release = granted(Window(100), Tally(succeeded=99, waits=1), 16, 100, (5,), at_least=4)
    assert release is not None
    assert release.woken == (5,)


def test_a_release_stays_pending_until_somebody_says_it_is_published() -> None:
    releases = {name: Release(name, 0, 1, None, 1.0) for name in ("a", "b", "c")}
    window = Window(3, releases)
    assert settle_up(window, {"a", "c", "unknown"}) == Window(3, {"b": releases["b"]})


@pytest.mark.parametrize("done", [[], ["unknown"]])
def test_nothing_published_changes_nothing(done: list[str]) -> None:
    window = Window(3, {"a": Release("a", 0, 1, None, 1.0)})
    assert settle_up(window, done) is window


class House:
    """A batch at work: processes read the window, then the tally, and write later, if the window
    has not changed in between. In flight is counted here, as the code under test never does."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.total = random.randrange(60)
        self.paged = 0
        self.limit = random.randint(1, 8)
        self.window = Window()
        self.tally = Tally()
        self.in_flight: set[int] = set()
        self.waiting: set[int] = set()
        self.settled: set[int] = set()
        self.read: dict[str, tuple[Window, Tally]] = {}
        self.tokens = 0

    def look(self, process: str) -> None:
        self.read[process] = (self.window, self.tally)

    def try_to_release(self, process: str) -> None:
        if process not in self.read:
            return
        window, tally = self.read.pop(process)
        if window is not self.window:
            return  # somebody else was first
        self.tokens += 1
        waiting = sorted(self.waiting)
        self.window, release = grant(
            settle_up(window, set(list(window.pending)[:1])),
            tally,
            concurrency=self.limit,
            paged=self.paged,
            due=waiting[: self.random.randint(0, len(waiting))],
            token=str(self.tokens),
            record=None,
            now=0.0,
            at_least=self.random.randint(1, 3),
        )
        if release is not None:
            self.let_go(release)

    def let_go(self, release: Release) -> None:
        fresh = set(range(release.start, release.stop))
        woken = set(release.woken)
        assert woken <= self.waiting
        assert not fresh & (self.in_flight | self.waiting | self.settled), "released twice"
        assert self.window.pending[release.token] == release
        self.waiting -= woken
        self.tally += Tally(woken=len(woken))
        self.in_flight |= fresh | woken
        assert len(self.in_flight) <= self.limit, "the limit in force was passed"

    def settle(self) -> None:
        if self.in_flight:
            index = self.random.choice(sorted(self.in_flight))
            self.in_flight.remove(index)
            self.settled.add(index)
            self.tally += Tally(succeeded=1)

    def wait(self) -> None:
        if self.in_flight:
            index = self.random.choice(sorted(self.in_flight))
            self.in_flight.remove(index)
            self.waiting.add(index)
            self.tally += Tally(waits=1)

    def step(self) -> None:
        process = self.random.choice("abc")
        match self.random.randrange(8):
            case 0 | 1:
                self.look(process)
            case 2 | 3:
                self.try_to_release(process)
            case 4 | 5:
                self.settle()
            case 6:
                self.wait()
            case _:
                self.limit = self.random.randint(1, 8)
                self.paged = min(self.total, self.paged + self.random.randrange(20))


@given(st.integers(0, 1 << 32))
def test_the_limit_is_never_passed_and_everything_is_released(seed: int) -> None:
    house = House(Random(seed))
    for _ in range(250):
        house.step()

    house.paged = house.total
    for _ in range(40 * house.total + 40):
        house.look("a")
        house.try_to_release("a")
        house.settle()
    assert house.window.released == house.total
    assert house.settled == set(range(house.total))
    assert house.in_flight == house.waiting == set()
