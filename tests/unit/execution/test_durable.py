"""Steps and questions of a run that nobody keeps, and of one that is kept."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from fanfold import flow
from fanfold.domain.flow import FlowRef
from fanfold.domain.memo import Answer, Memo, answered, decode
from fanfold.domain.outcome import Raised, Returned, Waits
from fanfold.domain.run import LogEntry
from fanfold.errors import FlowInvalid
from fanfold.execution.call import Call
from fanfold.execution.context import Context
from fanfold.execution.durable import AskTimeout, Durable, NobodyToAsk, Suspended
from fanfold.execution.failures import attempt_of
from fanfold.execution.invoke import Invoker


def context(memo: Memo | None = None, **durable: Any) -> Context:
    it = Context(batch_id="", index=0, run_id="")
    it.durable = Durable(Memo() if memo is None else memo, **{"no_questions": "", **durable})
    return it


def waits(ctx: Context, *arguments: Any, **named: Any) -> Waits:
    with pytest.raises(Suspended) as told:
        ctx.ask(*arguments, **named)
    attempt = attempt_of(told.value, ctx)
    assert isinstance(attempt, Waits)
    return attempt


def told(memo: Memo, place: str, value: str) -> Memo:
    return decode(answered(memo, place, Answer(value, "ann", 1.0)).encode())


def test_a_step_is_done_once_and_kept_before_it_returns() -> None:
    kept: list[str] = []
    memo = Memo()
    ctx = context(memo, keep=lambda: kept.append(memo.results["it"]))
    assert ctx.step("it", lambda: (1, 2)) == [1, 2], "the same as when it is remembered"
    assert kept == ["[1,2]"]
    again = context(decode(memo.encode()))
    assert again.step("it", lambda: pytest.fail("not again")) == [1, 2]


def test_a_step_takes_arguments_and_one_that_raises_is_not_remembered() -> None:
    ctx = context()
    with pytest.raises(ZeroDivisionError):
        ctx.step("share", lambda a, b: a / b, 1, b=0)
    assert ctx.durable.memo.results == {}
    assert context().step("share", lambda a, b: a / b, 1, b=4) == 0.25


def test_steps_of_one_name_are_told_apart_by_their_order() -> None:
    ctx = context()
    assert [ctx.step("it", lambda n=n: n) for n in range(3)] == [0, 1, 2]
    assert ctx.durable.memo.results == {"it": "0", "it#2": "1", "it#3": "2"}


async def _doubled(n: int) -> int:
    return 2 * n


@pytest.mark.parametrize("again", [False, True])
def test_an_async_step_is_awaited(again: bool) -> None:
    ctx = context(Memo({"it": "8"}) if again else None)
    assert asyncio.run(ctx.step("it", _doubled, 4)) == 8


def test_a_question_waits_and_then_has_its_answer() -> None:
    ctx = context()
    assert waits(ctx, "Really?", schema=bool) == Waits(None)
    memo = ctx.durable.memo
    assert memo.questions["Really?"].schema == {"type": "boolean"}
    assert context(told(memo, "Really?", "true")).ask("Really?", schema=bool) is True


class Choice(BaseModel):
    number: int


@pytest.mark.parametrize(
    ("schema", "value", "meant"),
    [
        (None, '{"a":1}', {"a": 1}),
        (Choice, '{"number":3}', Choice(number=3)),
        (Literal["yes", "no"], '"no"', "no"),
        ({"type": "integer"}, "4", 4),
    ],
)
def test_an_answer_comes_as_what_was_asked_for(schema: Any, value: str, meant: Any) -> None:
    ctx = context()
    waits(ctx, "Which?", schema=schema)
    assert context(told(ctx.durable.memo, "Which?", value)).ask("Which?", schema=schema) == meant


def test_a_question_has_the_name_it_is_given() -> None:
    ctx = context()
    waits(ctx, "Buy for 17?", name="buy")
    assert list(ctx.durable.memo.questions) == ["buy"]


def test_a_question_that_is_not_answered_in_time_has_its_default_or_fails() -> None:
    now = [100.0]
    ctx = context(clock=lambda: now[0])
    assert waits(ctx, "Really?", timeout=5, default="no") == Waits(105.0)
    memo = decode(ctx.durable.memo.encode())
    now[0] = 104.9
    waits(context(memo, clock=lambda: now[0]), "Really?", timeout=5, default="no")
    now[0] = 105.0
    later = context(memo, clock=lambda: now[0])
    assert later.ask("Really?", timeout=5, default="no") == "no"
    with pytest.raises(AskTimeout, match="nobody has answered 'Really\\?' in time"):
        context(memo, clock=lambda: now[0]).ask("Really?", timeout=5)


def test_a_default_is_for_a_timeout() -> None:
    with pytest.raises(FlowInvalid, match="a default is for when a timeout is over"):
        context().ask("Really?", default=1)


def test_a_schema_that_is_none_is_refused() -> None:
    class Odd:
        pass

    with pytest.raises(FlowInvalid, match="schema is a type that pydantic knows"):
        context().ask("Really?", schema=Odd)


def test_nobody_is_asked_where_nobody_is() -> None:
    with pytest.raises(NobodyToAsk, match="it asks 'Really\\?', and nobody is there"):
        context(no_questions="nobody is there").ask("Really?")
    with pytest.raises(NobodyToAsk, match="there is no batch here that could wait"):
        Context(batch_id="", index=0).ask("Really?")


def test_a_flows_except_does_not_swallow_the_wait() -> None:
    def careless(ctx: Context) -> str:
        try:
            return str(ctx.ask("Really?"))
        except Exception:  # noqa: BLE001
            return "swallowed"

    with pytest.raises(Suspended):
        careless(context())


@pytest.mark.parametrize("questions", [1, 2])
def test_an_async_flow_waits_with_all_that_its_tasks_ask(questions: int) -> None:
    async def asks(number: int, ctx: Context) -> str:
        return str(ctx.ask(f"{number}?"))

    @flow
    async def work(record: int, ctx: Context) -> list[str]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(asks(number, ctx)) for number in range(record)]
        return [task.result() for task in tasks]

    invoker = Invoker()
    try:
        ctx = context()
        call = Call(work, FlowRef("work", "1", ""), questions, ctx, None)
        assert invoker.attempt(call) == Waits(None)
        memo = ctx.durable.memo
        assert list(memo.questions) == [f"{number}?" for number in range(questions)]
        for number in range(questions):
            memo = told(memo, f"{number}?", f'"{number}"')
        call = Call(work, FlowRef("work", "1", ""), questions, context(memo), None)
        attempt = invoker.attempt(call)
        assert isinstance(attempt, Returned)
        assert json.loads(attempt.output) == [str(number) for number in range(questions)]
    finally:
        invoker.stop()


def test_what_fails_beside_a_question_is_what_it_came_to() -> None:
    error = BaseExceptionGroup("", [Suspended(), ValueError("no luck")])
    attempt = attempt_of(error, context())
    assert isinstance(attempt, Raised)
    assert attempt.failure.message == "no luck"


def test_a_memo_is_the_same_after_it_was_written_down() -> None:
    ctx = context(Memo(log=[LogEntry(1.0, "info", "hello", '{"a":1}')]))
    ctx.step("it", lambda: 1)
    waits(ctx, "Really?", schema=bool)
    memo = answered(ctx.durable.memo, "Really?", Answer("true", "ann", 2.0))
    assert decode(memo.encode()) == memo
    assert Memo().encode() == ""
    assert decode("") == Memo()
