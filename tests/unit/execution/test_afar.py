"""What a run remembers in a child process: its parent keeps it."""

from __future__ import annotations

from typing import Any

import pytest

from fanfold.domain.memo import Answer, Child, Memo, answered
from fanfold.domain.outcome import Gathered, Raised, Returned, Scattered, Slot, Waits
from fanfold.errors import EngineError
from fanfold.execution.call import Call
from fanfold.execution.durable import Durable
from fanfold.execution.isolation import Isolation
from fanfold.execution.library import Library
from tests.unit.execution.conftest import MakeCall, Write

FLOWS = """
from fanfold import Context, Flow, flow

@flow(isolation="process")
def steps(record, ctx: Context):
    first = ctx.step("first", lambda: 1)
    return [first, ctx.ask("Second?", schema=int)]

scatter = (
    Flow("scatter", isolation="process")
    .node("items", lambda record: [1, 2, 3])
    .batch("double", lambda n: n * 2, distributed=True)
    .edge("items", "double")
)

quiet = flow(id="quiet", isolation="process")(lambda record: record)
"""


@pytest.fixture
def library(write: Write) -> Library:
    write("afar.py", FLOWS)
    return Library(["afar.py"])


def prepared(make_call: MakeCall, library: Library, name: str, **durable: Any) -> Call:
    found = library.find(f"afar.py:{name}")
    call: Call = make_call(found.flow, {}, place=found.place)
    call.context.durable = Durable(**{"no_questions": "", **durable})
    return call


def test_a_step_is_kept_by_the_parent_before_the_child_goes_on(
    make_call: MakeCall, library: Library
) -> None:
    kept: list[dict[str, str]] = []
    call = prepared(make_call, library, "steps")
    call.context.durable.keep = lambda: kept.append(dict(call.context.durable.memo.results))
    with Isolation() as isolation:
        assert isolation.run(call)[0] == Waits(None)
        assert kept == [{"first": "1"}]
        memo = call.context.durable.memo
        assert list(memo.questions) == ["Second?"]
        memo = answered(memo, "Second?", Answer("2", "ann", 1.0))
        again = prepared(make_call, library, "steps", memo=memo)
        assert isolation.run(again)[0] == Returned("[1,2]")


def test_what_cannot_be_kept_fails_the_attempt(make_call: MakeCall, library: Library) -> None:
    def refused() -> None:
        raise EngineError("the store is away")

    call = prepared(make_call, library, "steps", keep=refused)
    with Isolation() as isolation:
        attempt = isolation.run(call)[0]
    assert isinstance(attempt, Raised)
    assert (attempt.failure.type, attempt.failure.message) == ("EngineError", "the store is away")


def test_items_are_scattered_by_the_parent_and_gathered_for_the_child(
    make_call: MakeCall, library: Library
) -> None:
    def gather(child: Child) -> Gathered | None:
        assert child.batch_id == "batch-x"
        return Gathered(tuple(map(Slot, ("2", "4", "6"))), "batch-x", 5)

    call = prepared(make_call, library, "scatter", gather=lambda _: None)
    with Isolation() as isolation:
        attempt = isolation.run(call)[0]
        assert attempt == Waits(None, (Scattered("double", "double", "[1, 2, 3]", 10),))
        memo = Memo(children={"double": Child("batch-x", 3)})
        again = prepared(make_call, library, "scatter", memo=memo, gather=gather)
        assert isolation.run(again)[0] == Returned("[2,4,6]")
    assert again.context.durable.memo.children["double"].gathered
    assert again.context.spent == 5


def test_a_flow_that_takes_no_context_is_sent_nothing_of_it(
    make_call: MakeCall, library: Library
) -> None:
    found = library.find("afar.py:quiet")
    call: Call = make_call(found.flow, {}, place=found.place)
    call.context.opens = lambda: pytest.fail("not asked for")
    with Isolation() as isolation:
        assert isolation.run(call)[0] == Returned("{}")
