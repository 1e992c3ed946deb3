"""What a flow may know and do beside its record.

    @flow
    def classify(record: dict, ctx: Context) -> str:
        ctx.log("asking", model=ctx.parameters["model"])
        ...

A context belongs to one attempt at one record: nothing of it is shared between records. Nodes of a
graph have contexts of their own in it (`scoped`), which say where in the graph they are.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from copy import copy, deepcopy
from inspect import iscoroutinefunction
from threading import Event, Lock, Semaphore
from typing import TYPE_CHECKING, Any

from fanfold.domain.ids import run_id_of
from fanfold.domain.money import nanodollars
from fanfold.domain.run import MAX_LOG_CHARS, MAX_LOG_ENTRIES, LogEntry, NodeEvent
from fanfold.errors import RunCanceled

if TYPE_CHECKING:
    from fanfold.execution.durable import Durable

_making = Lock()
_opening = Lock()
#: a default that was not given
MISSING: Any = object()
_BECOMES = {
    NodeEvent.STARTED: "began",
    NodeEvent.WAITS: "waits",
    NodeEvent.SUCCEEDED: "succeeded",
    NodeEvent.FAILED: "failed",
}


class Cancellation:
    """Tells a run to stop. Set from outside, looked at from inside."""

    __slots__ = ("_callbacks", "_event", "_is_set", "reason")

    def __init__(self) -> None:
        self._is_set = False
        #: nearly no run ever waits: it is made by the first that does
        self._event: Event | None = None
        self._callbacks: list[Callable[[], None]] = []
        self.reason = ""

    def set(self, reason: str) -> None:
        if not self._is_set:
            self.reason = reason
            self._is_set = True
            if self._event is not None:
                self._event.set()
            for callback in list(self._callbacks):
                callback()

    def is_set(self) -> bool:
        return self._is_set

    def wait(self, seconds: float) -> bool:
        """Sleep that ends at once when told to stop; whether it was."""
        with _making:
            self._event = self._event or Event()
        # whoever set it before could not see the event; whoever does after this line can
        return self._is_set or self._event.wait(seconds)

    def call(self, callback: Callable[[], None]) -> None:
        """Call it once told to stop; at once if that was before."""
        self._callbacks.append(callback)
        if self._is_set:
            callback()

    def forget(self, callback: Callable[[], None]) -> None:
        """A batch's runs may share one cancellation: without this it would hold them all."""
        if callback in self._callbacks:
            self._callbacks.remove(callback)


class Context:
    __slots__ = (
        "_chars",
        "_clock",
        "_durable",
        "_named",
        "_root",
        "_run_id",
        "attempt",
        "batch_id",
        "canceled",
        "entries",
        "index",
        "key",
        "on_spend",
        "opens",
        "parameters",
        "part",
        "place",
        "room",
        "spent",
        "tells",
        "trace",
    )

    def __init__(
        self,
        *,
        batch_id: str,
        index: int,
        run_id: str | None = None,
        key: str | None = None,
        attempt: int = 1,
        parameters: Mapping[str, Any] | None = None,
        canceled: Cancellation | None = None,
        trace: str = "",
        tells: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.batch_id = batch_id
        self._run_id = run_id
        #: the record's place in its batch
        self.index = index
        self.key = key
        #: 1 for the first
        self.attempt = attempt
        #: the batch's parameters; a copy, so that one record cannot change another's
        self.parameters: dict[str, Any] = deepcopy(dict(parameters)) if parameters else {}
        self.canceled = canceled or Cancellation()
        #: whose work it is, where somebody traces it (fanfold.trace)
        self.trace = trace
        #: whether a graph tells of its nodes. People look at a run that was started by itself; a
        #: hundred thousand records would pay for what nobody reads.
        self.tells = tells
        self.entries: list[LogEntry] = []
        #: in billionths of a dollar (domain.money)
        self.spent = 0
        #: told of each amount; a child process tells its parent
        self.on_spend: Callable[[int], None] | None = None
        self._chars = 0
        self._clock = clock
        self._durable: Durable | None = None
        #: what the run remembers is fetched by the first that asks for it
        self.opens: Callable[[], Durable] | None = None
        #: of a node's: the run's own
        self._root: Context = self
        #: where in the run this is: `node`, `node[3]/inner`; and the same without the items
        self.place = ""
        self.part = ""
        #: what bounds the nodes in flight, within a graph
        self.room: Semaphore | None = None
        #: how often a step or a question of a name was met here
        self._named: dict[str, int] = {}

    @property
    def run_id(self) -> str:
        """Worked out only where somebody asks."""
        if self._run_id is None:
            self._run_id = run_id_of(self.batch_id, self.index)
        return self._run_id

    def log(self, message: str, *, level: str = "info", **fields: Any) -> None:
        """Kept with the run's result, up to 200 entries and 64 KiB."""
        if self._root is not self:
            with _making:  # nodes are in flight at once
                self._root.log(message, level=level, **{"node": self.place, **fields})
            return
        self._keep(level, str(message), fields)

    def tell(self, event: NodeEvent, *, error: str | None = None, **fields: Any) -> None:
        """What becomes of this node, where anybody is to know."""
        if not self.tells:
            return
        said = f"{self.place} {_BECOMES[event]}{f': {error}' if error else ''}"
        about = {"node": self.place, "error": error, **fields}
        given = {name: it for name, it in about.items() if it is not None}
        with _making:
            self._root._keep("error" if error else "info", said, given, event)

    def _keep(self, level: str, message: str, fields: dict[str, Any], code: str = "") -> None:
        text = json.dumps(fields, default=str) if fields else ""
        self._chars += len(message) + len(text)
        if len(self.entries) < MAX_LOG_ENTRIES and self._chars <= MAX_LOG_CHARS:
            self.entries.append(LogEntry(self._clock(), level, message, text, code))

    def spend(self, dollars: float) -> None:
        """Say what something has cost, such as a call of a paid service. It is counted with the
        record, also of an attempt that fails after it; `max_spend` bounds what a batch may cost.
        Raises ValueError for less than nothing."""
        self.count_spent(nanodollars(dollars))

    def count_spent(self, amount: int) -> None:
        """The same in billionths."""
        with _making:  # a flow's own threads may spend at once
            self._root.spent += amount
        if self._root.on_spend is not None:
            self._root.on_spend(amount)

    def check_canceled(self) -> None:
        """Raise RunCanceled if the run has been told to stop. Call it in long loops."""
        if self.canceled.is_set():
            raise RunCanceled(self.canceled.reason)

    def sleep(self, seconds: float) -> None:
        """Sleep, but wake and raise RunCanceled when told to stop."""
        if self.canceled.wait(seconds):
            raise RunCanceled(self.canceled.reason)

    # ------------------------------------------------------- what is done once

    @property
    def durable(self) -> Durable:
        """What the run remembers; of a run that nobody keeps, only as long as it lasts."""
        root = self._root
        if root._durable is None:
            from fanfold.execution.durable import Durable

            with _opening:
                if root._durable is None:
                    root._durable = root.opens() if root.opens else Durable(clock=self._clock)
        return root._durable

    @durable.setter
    def durable(self, durable: Durable) -> None:
        self._root._durable = durable

    @property
    def has_durable(self) -> bool:
        """Whether anybody has asked for it."""
        return self._root._durable is not None

    def step(self, name: str, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """`fn(*args, **kwargs)`, done once for this record: its result is written down before this
        returns, and returned instead when the record is tried again, goes on after a wait, or is
        delivered twice. As JSON: a tuple comes back as a list. Of an async function: await it."""
        from fanfold.execution.steps import done_once, done_once_async

        place = self._place_of(name)
        if iscoroutinefunction(fn):
            return done_once_async(self.durable, place, fn, args, kwargs)
        return done_once(self.durable, place, fn, args, kwargs)

    def ask(
        self,
        question: str,
        *,
        schema: Any = None,
        name: str | None = None,
        timeout: float | None = None,
        default: Any = MISSING,
    ) -> Any:
        """What somebody answers: `fanfold answer`, or the API. Until then the run waits, and holds
        no process; then the flow is called again, and comes here with the answer.

        schema: what the answer must be: a type (`bool`, a pydantic model, `Literal["yes", "no"]`)
        or a JSON schema. name: what the question is known by, if not by its text. timeout: seconds
        until the run goes on without an answer, with `default=` or else failing with AskTimeout.
        Raises NobodyToAsk in a batch that is not interactive."""
        from fanfold.execution.steps import asked

        place = self._place_of(name or question)
        return asked(self.durable, place, question, schema, timeout, default)

    def scoped(self, node: str) -> Context:
        """The context of a node in this one."""
        it = copy(self)
        it.place = f"{self.place}/{node}" if self.place else node
        it.part = f"{self.part}/{node}" if self.part else node
        it._named = {}
        return it

    def scoped_item(self, index: int) -> Context:
        """The context of one item of this scattered node's."""
        it = copy(self)
        it.place = f"{self.place}[{index}]"
        it._named = {}
        it.tells = False  # hundreds of items would leave no room for what the flow says
        return it

    def scoped_room(self, room: Semaphore) -> Context:
        """The same place, with a bound on what is in flight in it."""
        it = copy(self)
        it.room = room
        return it

    def _place_of(self, name: str) -> str:
        count = self._named[name] = self._named.get(name, 0) + 1
        place = f"{self.place}/{name}" if self.place else name
        return place if count == 1 else f"{place}#{count}"
