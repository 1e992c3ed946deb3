"""What a run does once, however often its flow is called: steps, questions, scattered items.

    first call        ask ──▶ Suspended ──▶ the run waits, in `lives`; no process holds it
    answered, woken   ask ──▶ the answer

`Durable` is one attempt's, shared by all its nodes' contexts. The worker gives it what only the
worker can do: `keep` writes the memo down now, `gather` reads a child batch's results.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

from fanfold.domain.memo import Child, Memo, Question
from fanfold.domain.outcome import Gathered, Scattered
from fanfold.errors import Permanent
from fanfold.execution.context import MISSING


class NobodyToAsk(Permanent):
    """This flow asks a question, and its batch is not interactive. Start it with --interactive."""

    def __init__(self, question: str, why: str) -> None:
        super().__init__(f"it asks {question!r}, and {why}")


class AskTimeout(Permanent):
    """Nobody has answered the question in time."""


class Suspended(BaseException):
    """The run waits for somebody, or for its items. No Exception: no flow's `except` is meant."""


@dataclass(slots=True)
class Durable:
    memo: Memo = field(default_factory=Memo)
    #: why nobody can be asked; empty: somebody can
    no_questions: str = "there is no batch here that could wait: run it as one"
    #: writes the memo down, now
    keep: Callable[[], None] = lambda: None
    #: reads the results of a child that has ended; None while it has not
    gather: Callable[[Child], Gathered | None] | None = None
    #: the results of a stretch of the batch that is folded
    results: Callable[[int, int], Iterable[Any]] = lambda *_: ()
    clock: Callable[[], float] = time.time
    #: until when the run waits at most, while somebody is asked
    until: float | None = None
    #: what is to become child batches
    scattered: list[Scattered] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    @property
    def scatters(self) -> bool:
        """Whether there is somebody who runs child batches."""
        return self.gather is not None

    def recall(self, place: str) -> str | None:
        """JSON text of what was remembered there."""
        return self.memo.results.get(place)

    def remember(self, place: str, text: str, *, now: bool = False) -> None:
        """`now`: it outlasts this process when this returns; else what is remembered is written
        down when the run waits or is tried again."""
        with self.lock:
            self.memo.results[place] = text
            if now:
                self.keep()

    def ask(
        self,
        place: str,
        text: str,
        schema: Any,
        timeout: float | None,
        default: Any,
        take: Callable[[Any], Any],
    ) -> Any:
        """`take`: the answer as the flow wants it."""
        with self.lock:
            known = self.memo.questions.get(place)
            if known is None:
                if self.no_questions:
                    raise NobodyToAsk(text, self.no_questions)
                now = self.clock()
                until = None if timeout is None else now + timeout
                known = self.memo.questions[place] = Question(text, now, schema, until)
            if known.answer is None:
                if known.until is None or known.until > self.clock():
                    self._wait_until(known.until)
                    raise Suspended
                if default is MISSING:
                    raise AskTimeout(f"nobody has answered {text!r} in time")
                return default
        return take(json.loads(known.answer.value))

    def scatter(self, place: str, part: str, items: Sequence[Any], concurrency: int) -> Gathered:
        """The results of the child batch at this place; the run waits until there are."""
        child = self.memo.children.get(place)
        found = None if child is None or self.gather is None else self.gather(child)
        with self.lock:
            if child is None or found is None:
                self.scattered.append(Scattered(place, part, json.dumps(list(items)), concurrency))
                raise Suspended
            if child.gathered:  # and what it has cost is counted
                return replace(found, spent=0)
            self.memo.children[place] = replace(child, gathered=True)
        return found

    def _wait_until(self, until: float | None) -> None:
        if until is not None:
            self.until = until if self.until is None else min(self.until, until)
