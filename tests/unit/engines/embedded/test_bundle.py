"""Messages that lie in one row, and each goes its own way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.engines.embedded.bundle import MAX_MESSAGES, bundles_of, named, pack, unpack
from fanfold.engines.embedded.engine import embedded_engine
from fanfold.engines.embedded.queue import LEASE_SECONDS
from fanfold.ports import MAX_DELIVERIES, Delivery, Ports, Station
from fanfold.testing.clock import StillClock

BATCH = "batch-aaaaaaaaaaaaaaaa"
BODIES = st.lists(st.binary(max_size=200), min_size=1, max_size=200)


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def ports(home: Path, clock: StillClock) -> Iterator[Ports]:
    with embedded_engine(home, clock) as engine:
        yield engine


def pull(ports: Ports, limit: int = 1000) -> list[Delivery]:
    return ports.queue.pull(Station.RUNS, limit)


def numbers(deliveries: list[Delivery]) -> list[int]:
    return sorted(int(it.body) for it in deliveries)


def publish(ports: Ports, count: int) -> None:
    ports.queue.publish(Station.RUNS, BATCH, [b"%d" % n for n in range(count)])


@given(BODIES)
def test_what_is_packed_is_unpacked_in_order(bodies: list[bytes]) -> None:
    bundles = [pack(it) for it in bundles_of(named(bodies))]
    assert [body for it in bundles for _, (_, body) in unpack(*it)] == bodies
    assert all(0 < rest.bit_count() <= MAX_MESSAGES for rest, _ in bundles)


@given(BODIES, st.integers(min_value=0))
def test_only_what_is_left_is_unpacked(bodies: list[bytes], chosen: int) -> None:
    entries = list(named(bodies[:MAX_MESSAGES]))
    rest, packed = pack(entries)
    left = [entry for bit, entry in unpack(rest & chosen, packed)]
    assert left == [entry for n, entry in enumerate(entries) if chosen >> n & 1]


def test_large_messages_lie_in_rows_of_their_own() -> None:
    entries = list(named([b"x" * 100_000] * 5))
    assert [len(it) for it in bundles_of(entries)] == [1] * 5


def test_each_of_a_hundred_thousand_messages_has_a_name_of_its_own() -> None:
    names = [name for _ in range(100) for name, _ in named([b""] * 1000)]
    assert len(set(names)) == 100_000


def test_two_pulls_share_a_bundle_and_neither_gets_the_other_s(ports: Ports) -> None:
    publish(ports, 50)
    one, two = pull(ports, 20), pull(ports, 20)
    assert numbers(one) == list(range(20))
    assert numbers(two) == list(range(20, 40))
    assert numbers(pull(ports)) == list(range(40, 50))
    assert ports.queue.backlog(Station.RUNS) == 50


def test_what_is_acked_does_not_come_again_with_its_neighbours(
    ports: Ports, clock: StillClock
) -> None:
    publish(ports, 60)
    held = pull(ports)
    ports.queue.ack(held[::2])
    assert ports.queue.backlog(Station.RUNS) == 30
    clock.pass_(LEASE_SECONDS + 1)
    again = pull(ports)
    assert numbers(again) == list(range(1, 60, 2))
    assert {it.attempt for it in again} == {2}
    assert {it.message_id for it in again} == {it.message_id for it in held[1::2]}
    ports.queue.ack(again)
    assert ports.queue.backlog(Station.RUNS) == 0


def test_what_is_released_comes_alone_and_the_others_stay_leased(
    ports: Ports, clock: StillClock
) -> None:
    publish(ports, 10)
    held = pull(ports)
    ports.queue.release(held[3:5], delay=5.0)
    assert pull(ports) == []
    clock.pass_(5.1)
    again = pull(ports)
    assert numbers(again) == [3, 4]
    assert [it.message_id for it in again] == [it.message_id for it in held[3:5]]
    ports.queue.ack(held[:3] + held[5:])
    ports.queue.ack(again)
    assert ports.queue.backlog(Station.RUNS) == 0


def test_what_is_buried_leaves_its_neighbours_unharmed(ports: Ports) -> None:
    publish(ports, 10)
    held = pull(ports)
    ports.queue.bury(held[4:5])
    ports.queue.release(held[:4] + held[5:])
    assert numbers(pull(ports)) == [0, 1, 2, 3, 5, 6, 7, 8, 9]
    (letter,) = ports.queue.pull(Station.DEAD_LETTERS, 10)
    assert (letter.body, letter.origin) == (b"4", Station.RUNS)


def test_what_was_acked_can_be_neither_released_nor_buried(ports: Ports) -> None:
    publish(ports, 3)
    held = pull(ports)
    ports.queue.ack(held[:1])
    ports.queue.release(held[:1])
    ports.queue.bury(held[:1])
    assert pull(ports) == []
    assert ports.queue.backlog(Station.DEAD_LETTERS) == 0
    assert ports.queue.backlog(Station.RUNS) == 2


def test_an_ack_that_comes_late_takes_nothing_from_who_holds_the_bundle_now(
    ports: Ports, home: Path, clock: StillClock
) -> None:
    publish(ports, 4)
    late = pull(ports)
    clock.pass_(LEASE_SECONDS + 1)
    with embedded_engine(home, clock) as other:
        theirs = pull(other)
        ports.queue.ack(late[:1])
        other.queue.release(theirs)
        assert numbers(pull(ports)) == [1, 2, 3]


def test_a_bundle_that_is_delivered_too_often_becomes_as_many_dead_letters(
    ports: Ports, clock: StillClock
) -> None:
    publish(ports, 3)
    for _ in range(MAX_DELIVERIES):
        assert len(pull(ports)) == 3
        clock.pass_(LEASE_SECONDS + 1)
    assert pull(ports) == []
    letters = ports.queue.pull(Station.DEAD_LETTERS, 10)
    assert numbers(letters) == [0, 1, 2]
    assert {it.origin for it in letters} == {Station.RUNS}
