"""Running a graph on one record, here and now."""

from __future__ import annotations

import asyncio
from threading import Barrier, Event, Lock
from typing import Any

import pytest
from pydantic import BaseModel

from fanfold import Context, Flow, Permanent, is_failed
from fanfold.graphs.node import NodeTimeout
from fanfold.graphs.scattering import ItemsFailed, NotAList


def one(value: Any) -> Any:
    return value


def test_ten_twenty_and_thirty_doubled_in_parallel_are_120() -> None:
    together = Barrier(3)

    def doubled(n: int) -> int:
        together.wait(30)  # none goes on before all are there
        return n * 2

    total = Flow("total").node("start", lambda _: [10, 20, 30]).batch("double", doubled)
    total.node("sum", sum).edge("start", "double_scatter").edge("double_gather", "sum")
    assert total.run() == 120


def test_branches_run_side_by_side_and_meet() -> None:
    together = Barrier(2)

    def side(value: int) -> int:
        together.wait(30)
        return value + 1

    it = Flow("f").node("a", one).node("b", side).node("c", side).node("d", one)
    it.edge("a", "b").edge("a", "c").edge("b", "d").edge("c", "d")
    assert it.run(1) == {"b": 2, "c": 2}


def test_two_nodes_with_inputs_of_names_may_become_ready_at_once() -> None:
    it = Flow("f").node("a", one).node("b", one, inputs={"x": "a"})
    it.node("c", one, inputs={"y": "a", "z": "record"}).edge("a", "b").edge("a", "c")
    assert it.run(1) == {"b": {"x": 1}, "c": {"y": 1, "z": 1}}


def test_several_last_nodes_give_an_object_of_those_that_ran() -> None:
    it = Flow("f").node("a", one).node("b", one).node("c", one).node("d", one)
    it.edge("a", "b").edge("a", "c", when="output > 5").edge("a", "d", when=lambda it: it < 5)
    assert it.run(3) == {"b": 3, "d": 3}
    assert it.run(7) == {"b": 7, "c": 7}


def test_what_no_edge_reaches_is_left_out_and_what_is_behind_it() -> None:
    it = Flow("f").node("a", one).node("b", one).node("c", one).node("d", one)
    it.edge("a", "b", when="output == 0").edge("b", "c").edge("a", "d").edge("c", "d")
    assert it.run(1) == {"a": 1}
    assert it.run(0) == {"a": 0, "c": 0}


def test_a_graph_whose_last_node_is_left_out_gives_null() -> None:
    it = Flow("f").node("a", one).node("b", one).edge("a", "b", when="output")
    assert it.run(0) is None


def test_a_join_of_any_runs_once_with_the_first() -> None:
    begun: list[Any] = []
    reached = Event()

    def slow(_value: int) -> str:
        assert reached.wait(30)
        return "slow"

    def joined(value: str) -> str:
        begun.append(value)
        reached.set()
        return value

    it = Flow("f").node("a", one).node("quick", lambda _: "quick").node("slow", slow)
    it.node("b", joined, join="any").edge("a", "quick").edge("a", "slow")
    it.edge("quick", "b").edge("slow", "b")
    assert it.run(1) == "quick"
    assert begun == ["quick"]


def test_inputs_name_keys_places_lists_and_arguments() -> None:
    def priced(amount: int, rate: float, ctx: Context) -> str:
        return f"{amount * rate:.0f} {ctx.parameters['currency']}"

    it = Flow("f").node("load", lambda _: {"amount": 20, "rates": [1.0, 1.5]})
    it.node("price", priced, inputs={"amount": "load.amount", "rate": "load.rates.1"})
    it.node("both", one, inputs=["price", "record.id", "load.nothing"])
    it.edge("load", "price").edge("price", "both")
    assert it.run({"id": 7}, parameters={"currency": "EUR"}) == ["30 EUR", 7, None]


def test_inputs_of_one_object_without_such_arguments() -> None:
    it = Flow("f").node("a", one).node("b", one, inputs={"x": "a", "y": "record"}).edge("a", "b")
    assert it.run(1) == {"x": 1, "y": 1}


class Bill(BaseModel):
    amount: int


def test_a_node_gets_what_its_annotation_says_from_what_the_one_before_gave() -> None:
    def load(record: dict[str, Any]) -> Bill:
        return Bill(amount=record["n"])

    def total(bill: Bill) -> int:
        return bill.amount

    assert Flow("f").node("a", load).node("b", total).edge("a", "b").run({"n": 3}) == 3


def test_no_node_sees_what_another_changed() -> None:
    def spoiled(value: dict[str, Any]) -> int:
        value["n"] = 0
        return 1

    it = Flow("f").node("a", one).node("b", spoiled).node("c", lambda it: it["n"])
    it.node("d", one, inputs={"c": "c", "record": "record"})
    it.edge("a", "b").edge("b", "c").edge("c", "d")
    it2 = Flow("f").node("b", spoiled).node("d", one, inputs="record").edge("b", "d")
    assert it2.run({"n": 5}) == {"n": 5}


def test_async_nodes_are_awaited_and_share_a_loop() -> None:
    loops: set[int] = set()

    async def slept(value: int) -> int:
        loops.add(id(asyncio.get_running_loop()))
        await asyncio.sleep(0)
        return value + 1

    it = Flow("f").node("a", slept).node("b", slept).edge("a", "b")
    it.batch("c", slept, input_key="list").node("list", lambda n: [n, n]).edge("b", "list")
    it.edge("list", "c")
    assert it.run(1) == [4, 4]
    assert len(loops) == 1


class Busy:
    """How many are at it at once."""

    def __init__(self, wanted: int) -> None:
        self.most, self._now, self._lock = 0, 0, Lock()
        self._enough = Event()
        self._wanted = wanted

    def __call__(self, value: Any) -> Any:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
            if self._now >= self._wanted:
                self._enough.set()
        self._enough.wait(10)  # so that all that may come are there
        with self._lock:
            self._now -= 1
        return value


def test_a_scattered_nodes_concurrency_bounds_its_items() -> None:
    busy = Busy(3)
    it = Flow("f").batch("a", busy, concurrency=3)
    assert it.run(list(range(9))) == list(range(9))
    assert busy.most == 3


def test_the_runs_concurrency_bounds_nodes_and_items_together() -> None:
    busy = Busy(4)

    def work(value: Any) -> Any:
        return busy(value)

    it = Flow("f").node("start", one)
    for name in "abc":
        it.batch(name, work, concurrency=10).edge("start", name)
        it.node(f"{name}{name}", lambda _: busy(0)).edge("start", f"{name}{name}")
    it.run(list(range(6)), concurrency=4)
    assert busy.most == 4


def test_a_graph_in_a_graph_shares_the_bound() -> None:
    busy = Busy(2)
    inner = Flow("inner").node("x", one).node("y", busy).edge("x", "y")
    outer = Flow("outer").batch("in", inner, concurrency=10)
    assert outer.run([1, 2, 3, 4], concurrency=2) == [1, 2, 3, 4]
    assert busy.most == 2


# ------------------------------------------------------------------ failures


def test_a_failure_names_its_node_keeps_its_class_and_stops_what_has_not_begun() -> None:
    behind: list[int] = []

    def bad(_value: int) -> int:
        raise ValueError("no luck")

    it = Flow("f").node("a", one).node("b", bad).node("c", behind.append)
    it.edge("a", "b").edge("b", "c")
    with pytest.raises(ValueError, match="no luck"):
        it.run(1)
    assert behind == []


def test_a_node_is_tried_again_as_often_as_it_may() -> None:
    tries: list[int] = []

    def flaky(value: int) -> int:
        tries.append(value)
        if len(tries) < 3:
            raise ValueError("not yet")
        return value

    assert Flow("f").node("a", flaky, retries=2, backoff=0).run(7) == 7
    tries.clear()
    with pytest.raises(ValueError, match="not yet"):
        Flow("f").node("a", flaky, retries=1, backoff=0).run(7)
    assert len(tries) == 2


def test_permanent_is_not_tried_again() -> None:
    tries: list[int] = []

    def bad(value: int) -> int:
        tries.append(value)
        raise Permanent("never")

    with pytest.raises(Permanent):
        Flow("f").node("a", bad, retries=5, backoff=0).run(1)
    assert tries == [1]


def test_the_fallback_is_called_once_the_attempts_are_used_up() -> None:
    tries: list[int] = []

    def bad(value: int) -> int:
        tries.append(value)
        raise ValueError("no")

    it = Flow("f").node("a", bad, retries=1, backoff=0, fallback=lambda value: -value)
    assert it.run(3) == -3
    assert tries == [3, 3]


def test_a_node_that_runs_too_long_fails_and_the_fallback_takes_over() -> None:
    ends = Event()

    def slow(value: int) -> int:
        ends.wait(30)
        return value

    it = Flow("f").node("a", slow, timeout=0.05)
    with pytest.raises(NodeTimeout, match=r"longer than its 0\.05 s"):
        it.run(1)
    assert Flow("f").node("a", slow, timeout=0.05, fallback=lambda _: 0).run(1) == 0
    ends.set()


def test_an_async_node_that_runs_too_long_is_canceled() -> None:
    canceled = Event()

    async def slow(value: int) -> int:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            canceled.set()
            raise
        return value

    with pytest.raises(NodeTimeout):
        Flow("f").node("a", slow, timeout=0.05).run(1)
    assert canceled.wait(30)


def test_failed_items_fail_the_run_once_all_have_ended() -> None:
    done: list[int] = []

    def picky(n: int) -> int:
        done.append(n)
        if n in (2, 4):
            raise ValueError(f"not {n}")
        return n

    it = Flow("f").batch("a", picky)
    with pytest.raises(ItemsFailed, match=r"node a: 2 of 6 items failed, the first at 2: Value"):
        it.run(list(range(6)))
    assert sorted(done) == list(range(6))


def test_a_partial_list_has_a_slot_for_each_item_that_failed() -> None:
    def picky(n: int) -> int | None:
        if n == 1:
            raise ValueError("not 1")
        return None if n == 2 else n

    found = Flow("f").batch("a", picky, on_failure="partial").run([0, 1, 2, 3])
    assert [is_failed(it) for it in found] == [False, True, False, False]
    assert found[1] == {"$failed": {"type": "ValueError", "message": "not 1", "index": 1}}
    assert (found[0], found[2], found[3]) == (0, None, 3)


def test_items_have_retries_and_a_fallback_of_their_own() -> None:
    tries: dict[int, int] = {}

    def flaky(n: int) -> int:
        tries[n] = tries.get(n, 0) + 1
        if n % 2 or tries[n] < 2:
            raise ValueError("no")
        return n

    it = Flow("f").batch("a", flaky, retries=1, backoff=0, fallback=lambda n: -n)
    assert it.run([0, 1, 2, 3]) == [0, -1, 2, -3]
    assert set(tries.values()) == {2}


@pytest.mark.parametrize(
    ("value", "told"),
    [(None, "null"), ({"a": 1}, "an object"), ("text", "a text"), (7, "a number"),
     (True, "true or false")],
)  # fmt: skip
def test_what_is_no_list_cannot_be_scattered(value: Any, told: str) -> None:
    with pytest.raises(NotAList, match=f"node b: it takes a list of items, and got {told}"):
        Flow("f").node("a", one).batch("b", one).edge("a", "b").run(value)


def test_no_items_give_no_outputs() -> None:
    assert Flow("f").batch("a", one).run([]) == []


def test_what_a_node_logs_says_which_node_it_was() -> None:
    def told(value: int, ctx: Context) -> int:
        ctx.log("here", n=value)
        ctx.spend(0.5)
        return value

    it = Flow("f").batch("a", told, concurrency=1)
    context = Context(batch_id="", index=0, run_id="")
    assert it([1, 2], context) == [1, 2]
    assert [(e.message, e.fields) for e in context.entries] == [
        ("here", '{"node": "a[0]", "n": 1}'),
        ("here", '{"node": "a[1]", "n": 2}'),
    ]
    assert context.spent == 1_000_000_000


def test_a_condition_that_raises_fails_the_run_with_its_edge() -> None:
    it = Flow("f").node("a", one).node("b", one).edge("a", "b", when=lambda it: it["x"])
    with pytest.raises(Permanent, match="the condition of a → b raised TypeError"):
        it.run(1)
