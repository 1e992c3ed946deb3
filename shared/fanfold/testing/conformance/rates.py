"""Frontier: a rate's turns are given to one caller each, and no sooner than it allows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from fanfold.domain.rate import Turns
from fanfold.ports import Ports
from fanfold.testing.conformance.rig import Rig, new_batch

_STEP = 0.25


class RatesConformance:
    def test_turns_go_on_where_whoever_asked_before_was_given_the_last(self, rig: Rig) -> None:
        batch, now = new_batch(rig.ports).id, rig.clock.now()
        first = _reserve(rig.ports, batch, 4, now)
        assert (first.first, first.count) == (now, 4)
        second = _reserve(rig.other, batch, 2, now)
        assert (second.first, second.count) == (now + 4 * _STEP, 2)

    def test_none_is_given_further_ahead_than_asked_and_then_nothing_is_kept(
        self, rig: Rig
    ) -> None:
        batch, now = new_batch(rig.ports).id, rig.clock.now()
        assert _reserve(rig.ports, batch, 100, now).count == 9
        for engine in (rig.ports, rig.other):
            none = _reserve(engine, batch, 100, now)
            assert (none.first, none.count) == (now + 9 * _STEP, 0)
        rig.clock.pass_(1.0)
        assert _reserve(rig.other, batch, 100, rig.clock.now()).first == now + 9 * _STEP

    def test_what_a_dead_process_had_is_lost_and_never_given_twice(self, rig: Rig) -> None:
        batch, now = new_batch(rig.ports).id, rig.clock.now()
        lost = _reserve(rig.ports, batch, 8, now)
        rig.clock.pass_(0.5)  # it dies with six of them
        assert _reserve(rig.other, batch, 1, rig.clock.now()).first == lost.next

    def test_time_in_which_nobody_asked_is_not_made_up_for(self, rig: Rig) -> None:
        batch = new_batch(rig.ports).id
        _reserve(rig.ports, batch, 1, rig.clock.now())
        rig.clock.pass_(3600.0)
        turns = _reserve(rig.other, batch, 2, rig.clock.now())
        assert (turns.first, turns.last) == (rig.clock.now(), rig.clock.now() + _STEP)

    def test_the_rate_is_the_caller_s_and_may_change_from_one_call_to_the_next(
        self, rig: Rig
    ) -> None:
        batch, now = new_batch(rig.ports).id, rig.clock.now()
        _reserve(rig.ports, batch, 1, now)
        slow = rig.other.frontier.reserve(batch, 5, 3600.0, 2.0, now)
        assert (slow.first, slow.count) == (now + 3600.0, 0)
        assert _reserve(rig.ports, batch, 1, now).first == now + _STEP

    def test_batches_have_turns_of_their_own(self, rig: Rig) -> None:
        one, other, now = new_batch(rig.ports).id, new_batch(rig.ports).id, rig.clock.now()
        _reserve(rig.ports, one, 8, now)
        assert _reserve(rig.ports, other, 1, now).first == now

    def test_many_who_ask_at_once_get_each_turn_once(self, rig: Rig) -> None:
        batch, now = new_batch(rig.ports).id, rig.clock.now()

        def reserve(number: int) -> Turns:
            engine = rig.ports if number % 2 else rig.other
            return engine.frontier.reserve(batch, 3, _STEP, 3600.0, now)

        with ThreadPoolExecutor(8) as pool:
            turns = [it.at for some in pool.map(reserve, range(16)) for it in some]
        assert sorted(turns) == pytest.approx([now + it * _STEP for it in range(48)])

    def test_a_batch_that_is_forgotten_leaves_no_rate_behind(self, rig: Rig) -> None:
        """Another of its name begins anew."""
        batch, now = new_batch(rig.ports), rig.clock.now()
        _reserve(rig.ports, batch.id, 8, now)
        rig.ports.batches.forget(batch.id)
        again = new_batch(rig.ports, id=batch.id)
        assert _reserve(rig.ports, again.id, 1, now).first == now


def _reserve(ports: Ports, batch_id: str, turns: int, now: float) -> Turns:
    return ports.frontier.reserve(batch_id, turns, _STEP, 2.0, now)
