"""Graphs that are made in a notebook, where no other process finds them."""

from __future__ import annotations

from threading import Thread
from typing import Any

from fanfold import Context, Flow, flow, run_batch
from fanfold.folds import total
from fanfold.ports import Ports
from fanfold.steps.answer import answer, open_questions
from fanfold.steps.family import children_of
from fanfold.steps.sweep import open_batches
from fanfold.testing.working import until
from fanfold.wiring import EMBEDDED


def test_items_are_a_batch_that_the_same_process_works_on(ports: Ports) -> None:
    doubled = (
        Flow("doubled")
        .node("items", lambda record: list(range(record)))
        .batch("double", lambda n: 2 * n, distributed=True)
        .node("sum", sum)
        .edge("items", "double")
        .edge("double", "sum")
    )
    done = run_batch(doubled, [3, 700])
    assert done.outputs == [6, 700 * 699]
    assert len(list(children_of(ports, done.batch_id))) == 2


def test_a_large_fold_is_made_by_the_same_process(ports: Ports) -> None:
    @flow(fold=total("."))
    def same(record: int) -> int:
        return record

    done = run_batch(same, range(21_000))
    assert done.output == sum(range(21_000))
    (pages,) = children_of(ports, done.batch_id)
    assert pages.known_total == 5


def test_who_runs_a_batch_waits_for_the_answer_of_somebody_else(ports: Ports) -> None:
    @flow
    def asks(record: int, ctx: Context) -> Any:
        return ctx.ask(f"{record}?")

    def somebody() -> None:
        asked: list[Any] = []

        def is_asked() -> bool:
            asked[:] = [it for batch in open_batches(ports) for it in open_questions(ports, batch)]
            return bool(asked)

        until(is_asked)
        answer(ports, EMBEDDED, ports.batches.get(asked[0].batch_id), 0, "fine", by="ann")

    answering = Thread(target=somebody)
    answering.start()
    assert run_batch(asks, [1], interactive=True).outputs == ["fine"]
    answering.join()
