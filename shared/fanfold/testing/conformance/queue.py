"""Queue: at least once, leased, counted."""

from __future__ import annotations

import pytest

from fanfold.domain.priority import PRIORITIES, Priority
from fanfold.ports import Delivery, Station
from fanfold.testing.conformance.rig import Rig

BATCH = "batch-aaaaaaaaaaaaaaaa"


class QueueConformance:
    def test_what_is_published_is_delivered_with_its_body_and_as_the_first(self, rig: Rig) -> None:
        rig.ports.queue.publish(Station.RUNS, BATCH, [b"one", b"two", b"three"])
        deliveries = rig.other.queue.pull(Station.RUNS, 10)
        assert sorted(it.body for it in deliveries) == [b"one", b"three", b"two"]
        assert {it.attempt for it in deliveries} == {1}

    def test_a_leased_message_is_not_delivered_to_anybody_else(self, rig: Rig) -> None:
        rig.ports.queue.publish(Station.RUNS, BATCH, [b"one"])
        assert len(rig.ports.queue.pull(Station.RUNS, 10)) == 1
        assert rig.other.queue.pull(Station.RUNS, 10) == []
        assert rig.ports.queue.pull(Station.RUNS, 10) == []

    def test_a_pull_takes_no_more_than_its_limit(self, rig: Rig) -> None:
        rig.ports.queue.publish(Station.RUNS, BATCH, [b"%d" % n for n in range(5)])
        assert len(rig.ports.queue.pull(Station.RUNS, 3)) == 3
        assert len(rig.ports.queue.pull(Station.RUNS, 3)) == 2

    def test_runs_of_a_higher_class_are_pulled_first(self, rig: Rig) -> None:
        for priority in (Priority.LOW, Priority.NORMAL, Priority.HIGH):
            bodies = [b"%d %b" % (n, priority.encode()) for n in range(70)]
            rig.ports.queue.publish(Station.RUNS, BATCH, bodies, priority)
        pulled: list[bytes] = []
        while deliveries := rig.other.queue.pull(Station.RUNS, 50):
            rig.other.queue.ack(deliveries)
            pulled += [it.body.split()[1] for it in deliveries]
        assert pulled == [it.encode() for it in PRIORITIES for _ in range(70)]

    def test_a_higher_class_that_is_all_leased_keeps_nobody_from_the_others(self, rig: Rig) -> None:
        for priority in PRIORITIES:
            rig.ports.queue.publish(Station.RUNS, BATCH, [priority.encode()] * 3, priority)
        pulled = [rig.ports.queue.pull(Station.RUNS, 3) for _ in PRIORITIES]
        assert [{it.body for it in each} for each in pulled] == [{b"high"}, {b"normal"}, {b"low"}]
        assert rig.other.queue.pull(Station.RUNS, 3) == []

    def test_what_is_given_back_keeps_its_class(self, rig: Rig) -> None:
        """Some of what was published together, and what nobody extended."""
        rig.ports.queue.publish(Station.RUNS, BATCH, [b"high"] * 3, Priority.HIGH)
        first, *_ = rig.ports.queue.pull(Station.RUNS, 3)
        rig.ports.queue.publish(Station.RUNS, BATCH, [b"normal"])
        rig.ports.queue.release([first])
        assert [it.body for it in rig.other.queue.pull(Station.RUNS, 1, wait=5.0)] == [b"high"]
        rig.expire_leases()
        assert [it.body for it in rig.other.queue.pull(Station.RUNS, 1, wait=5.0)] == [b"high"]

    @pytest.mark.parametrize("priority", PRIORITIES)
    def test_leases_of_each_class_are_ended_and_renewed_alike(
        self, rig: Rig, priority: Priority
    ) -> None:
        rig.ports.queue.publish(Station.RUNS, BATCH, [b"done", b"held", b"not yet"], priority)
        by_body = {it.body: it for it in rig.ports.queue.pull(Station.RUNS, 10)}
        rig.ports.queue.ack([by_body[b"done"]])
        rig.ports.queue.extend([by_body[b"held"]])
        rig.ports.queue.release([by_body[b"not yet"]])
        assert [it.body for it in rig.other.queue.pull(Station.RUNS, 9, wait=5.0)] == [b"not yet"]
        assert rig.ports.queue.backlog(Station.RUNS) in (2, None)
        rig.expire_leases()
        again = sorted(it.body for it in rig.other.queue.pull(Station.RUNS, 9, wait=5.0))
        assert again == [b"held", b"not yet"]

    def test_other_stations_know_no_classes(self, rig: Rig) -> None:
        rig.ports.queue.publish(Station.FAN_OUT, BATCH, [b"first"], Priority.LOW)
        rig.clock.pass_(1)
        rig.ports.queue.publish(Station.FAN_OUT, BATCH, [b"second"], Priority.HIGH)
        (first,) = rig.ports.queue.pull(Station.FAN_OUT, 1, wait=5.0)
        (second,) = rig.ports.queue.pull(Station.FAN_OUT, 1, wait=5.0)
        assert (first.body, second.body) == (b"first", b"second")

    def test_a_dead_letter_of_a_low_batch_does_not_wait_behind_others(self, rig: Rig) -> None:
        rig.ports.queue.publish(Station.RUNS, BATCH, [b"low"], Priority.LOW)
        rig.ports.queue.bury(rig.ports.queue.pull(Station.RUNS, 1))
        rig.clock.pass_(1)
        rig.ports.queue.publish(Station.RUNS, BATCH, [b"high"], Priority.HIGH)
        rig.ports.queue.bury(rig.ports.queue.pull(Station.RUNS, 1))
        (letter,) = rig.ports.queue.pull(Station.DEAD_LETTERS, 1, wait=5.0)
        assert (letter.body, letter.origin) == (b"low", Station.RUNS)

    def test_stations_do_not_see_each_others_messages(self, rig: Rig) -> None:
        rig.ports.queue.publish(Station.RUNS, BATCH, [b"one"])
        assert rig.ports.queue.pull(Station.FAN_OUT, 10) == []

    def test_an_acked_message_does_not_come_again(self, rig: Rig) -> None:
        rig.ports.queue.publish(Station.RUNS, BATCH, [b"one"])
        rig.ports.queue.ack(rig.ports.queue.pull(Station.RUNS, 10))
        rig.expire_leases()
        assert rig.ports.queue.pull(Station.RUNS, 10) == []

    def test_a_released_message_comes_again_as_a_later_delivery(self, rig: Rig) -> None:
        rig.ports.queue.publish(Station.RUNS, BATCH, [b"one"])
        (first,) = rig.ports.queue.pull(Station.RUNS, 10)
        rig.ports.queue.release([first])
        (again,) = rig.other.queue.pull(Station.RUNS, 10, wait=5.0)
        assert (again.body, again.attempt, again.message_id) == (b"one", 2, first.message_id)
        assert first.message_id

    def test_a_message_whose_lease_ended_comes_again(self, rig: Rig) -> None:
        rig.ports.queue.publish(Station.RUNS, BATCH, [b"one"])
        rig.ports.queue.pull(Station.RUNS, 10)
        rig.expire_leases()
        (again,) = rig.other.queue.pull(Station.RUNS, 10, wait=5.0)
        assert again.attempt == 2

    def test_a_lease_that_is_another_s_by_now_cannot_be_given_back(self, rig: Rig) -> None:
        rig.ports.queue.publish(Station.RUNS, BATCH, [b"one"])
        mine = rig.ports.queue.pull(Station.RUNS, 10)
        rig.expire_leases()
        assert len(rig.other.queue.pull(Station.RUNS, 10, wait=5.0)) == 1
        rig.ports.queue.release(mine)
        assert rig.ports.queue.pull(Station.RUNS, 10) == []

    def test_acking_twice_and_acking_nothing_do_no_harm(self, rig: Rig) -> None:
        rig.ports.queue.publish(Station.RUNS, BATCH, [b"one", b"two"])
        first, second = rig.ports.queue.pull(Station.RUNS, 10)
        rig.ports.queue.ack([first])
        rig.ports.queue.ack([first])
        rig.ports.queue.ack([])
        rig.ports.queue.release([second])
        assert len(rig.ports.queue.pull(Station.RUNS, 10, wait=5.0)) == 1

    def test_a_message_that_is_delivered_too_often_becomes_a_dead_letter(self, rig: Rig) -> None:
        rig.ports.queue.publish(Station.RUNS, BATCH, [b"poison"])
        for _ in range(rig.max_deliveries):
            rig.ports.queue.release(rig.ports.queue.pull(Station.RUNS, 10, wait=5.0))
        letters: list[Delivery] = []
        for _ in range(20):  # an engine may move it only when somebody pulls where it was
            assert rig.ports.queue.pull(Station.RUNS, 10, wait=0.5) == []
            letters = letters or rig.ports.queue.pull(Station.DEAD_LETTERS, 10, wait=0.5)
            if letters:
                break
        (letter,) = letters
        assert (letter.body, letter.origin) == (b"poison", Station.RUNS)

    def test_a_buried_message_is_a_dead_letter_at_once(self, rig: Rig) -> None:
        rig.ports.queue.publish(Station.FAN_OUT, BATCH, [b"nonsense"])
        rig.ports.queue.bury(rig.ports.queue.pull(Station.FAN_OUT, 10))
        (letter,) = rig.ports.queue.pull(Station.DEAD_LETTERS, 10, wait=5.0)
        assert (letter.body, letter.origin) == (b"nonsense", Station.FAN_OUT)

    def test_what_came_by_another_way_can_be_condemned(self, rig: Rig) -> None:
        rig.ports.queue.condemn(Station.RUNS, b"nonsense")
        (letter,) = rig.other.queue.pull(Station.DEAD_LETTERS, 10, wait=5.0)
        assert (letter.body, letter.origin) == (b"nonsense", Station.RUNS)

    def test_the_backlog_counts_what_lies_there_and_what_is_leased(self, rig: Rig) -> None:
        rig.ports.queue.publish(Station.RUNS, BATCH, [b"one", b"two"])
        rig.ports.queue.pull(Station.RUNS, 1)
        assert rig.ports.queue.backlog(Station.RUNS) in (2, None)
