"""What a run remembers while it waits: results, questions, child batches.

A run that waits holds no process. When it goes on, its flow is called again from the beginning, and
what is remembered here is not done again: a step's result is returned, a node's output handed on,
an answered question answered. So a flow must come the same way again; each thing is found by its
place: `step`, `node/step`, `node[3]/question`, a second one of the same name as `step#2`.

    {"results": {place: JSON text}, "questions": {place: …}, "children": {place: …}, "log": […]}

It lies in the run's live document, and is gone when the run is settled.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from fanfold.domain.run import LogEntry

#: of an answer, as JSON
MAX_ANSWER_BYTES = 64 * 1024
#: results beyond so many bytes lie in Blobs
MAX_INLINE_MEMO_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    #: JSON text
    value: str
    by: str
    at: float


@dataclass(frozen=True, slots=True)
class Question:
    text: str
    asked_at: float
    #: JSON schema of the answer; None: anything
    schema: Any = None
    #: when the run goes on without one
    until: float | None = None
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class Child:
    """A batch of the run's own, whose records are the items of a scattered node."""

    batch_id: str
    items: int
    #: whether the run has taken its results and what it has cost
    gathered: bool = False


@dataclass(slots=True)
class Memo:
    results: dict[str, str] = field(default_factory=dict)
    questions: dict[str, Question] = field(default_factory=dict)
    children: dict[str, Child] = field(default_factory=dict)
    #: of the attempts before
    log: list[LogEntry] = field(default_factory=list)
    #: where the results are, if they are not here
    blob: str | None = None

    @property
    def is_empty(self) -> bool:
        return not (self.results or self.questions or self.children or self.log or self.blob)

    @property
    def open_questions(self) -> dict[str, Question]:
        return {place: it for place, it in self.questions.items() if it.answer is None}

    @property
    def awaited_children(self) -> list[Child]:
        """Those whose results the run has not taken yet."""
        return [it for it in self.children.values() if not it.gathered]

    def become(self, other: Memo) -> None:
        """What another process tells of the same run."""
        self.results, self.questions = other.results, other.questions
        self.children, self.log, self.blob = other.children, other.log, other.blob

    def encode(self) -> str:
        """Empty if there is nothing to remember."""
        if self.is_empty:
            return ""
        it: dict[str, Any] = {}
        if self.results:
            it["results"] = self.results
        if self.questions:
            it["questions"] = {name: _plain(one) for name, one in self.questions.items()}
        if self.children:
            it["children"] = {name: _plain(one) for name, one in self.children.items()}
        if self.log:
            it["log"] = [one.packed() for one in self.log]
        if self.blob:
            it["blob"] = self.blob
        return json.dumps(it, separators=(",", ":"))


def decode(text: str) -> Memo:
    if not text:
        return Memo()
    it = json.loads(text)
    return Memo(
        it.get("results", {}),
        {name: _question(one) for name, one in it.get("questions", {}).items()},
        {name: Child(**one) for name, one in it.get("children", {}).items()},
        [LogEntry(*one) for one in it.get("log", [])],
        it.get("blob"),
    )


def answered(memo: Memo, place: str, answer: Answer) -> Memo:
    questions = {**memo.questions, place: replace(memo.questions[place], answer=answer)}
    return replace(memo, questions=questions)


def _plain(it: Question | Child) -> dict[str, Any]:
    return {name: value for name, value in asdict(it).items() if value is not None}


def _question(it: dict[str, Any]) -> Question:
    answer = it.pop("answer", None)
    return Question(**it, answer=None if answer is None else Answer(**answer))
