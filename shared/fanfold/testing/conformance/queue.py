"""Queue: at least once, leased, counted."""

from __future__ import annotations

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
