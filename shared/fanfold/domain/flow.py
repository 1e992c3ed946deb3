"""A flow: what to do with one record, described. `graphs` makes them, of functions and of graphs.

Importing this loads nothing heavy, for it is what every flow author's module imports.
"""

from __future__ import annotations

import hashlib
import inspect
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import update_wrapper
from typing import Any, ClassVar, Literal, Self, TypeVar, get_args

from fanfold.domain.amounts import SIZES, bytes_of
from fanfold.domain.people import OPEN_TO_ALL, Access
from fanfold.domain.retry import RetryPolicy
from fanfold.errors import FlowInvalid

DEFAULT_TIMEOUT = 300.0
#: begins the place of a flow that is in no file and no module, as in a notebook: only the process
#: that made it can run it
IN_MEMORY = "<memory>:"
FLOW_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_.-]{0,99}$")

#: where a flow runs: among others in a worker, or always in a child process
Isolated = Literal["none", "process"]

F = TypeVar("F", bound="Flow")

type_of_source = Callable[[], Iterable[Any]]
type_of_fold = Callable[[Iterable[Any]], Any]


@dataclass(frozen=True, slots=True)
class FlowRef:
    """How a batch remembers its flow: workers look it up by name, then at its place."""

    name: str
    version: str
    #: `package.module:attribute` or `/path/to/file.py:attribute`
    place: str
    title: str = ""
    #: whether it has a fold: without one, finalizing need not load it
    folds: bool = False
    #: of a child batch: which node's items it runs, `node` or `node/inner` (Flow.part)
    part: str = ""

    @property
    def is_in_memory(self) -> bool:
        return self.place.startswith(IN_MEMORY)

    @property
    def heading(self) -> str:
        return self.title or self.name

    @property
    def shown(self) -> str:
        """For people."""
        return f"{self.name}/{self.part}" if self.part else self.name


@dataclass(eq=False)
class Flow:
    """A described function, or graph (graphs.flow). Call it as the function it is."""

    fn: Callable[..., Any]
    name: str
    title: str
    description: str
    version: str
    retry: RetryPolicy
    #: seconds for one attempt; None: no limit
    timeout: float | None
    #: whether a record is leased before it runs, so that no two processes are at it at once
    exclusive: bool = False
    #: "process": every record runs in a child process, alone
    isolation: Isolated = "none"
    #: bytes a record may have there; None: no limit
    memory: int | None = None
    #: the flow's own records, where none are given
    source: type_of_source | None = None
    #: turns all results, in record order, into the batch's output
    fold: type_of_fold | None = None
    #: who may see it, start it, and look after what was started of it, over the network
    access: Access = OPEN_TO_ALL
    #: JSON schema of its records, where that is data (domain.registered); else its annotations say
    schema: dict[str, Any] | None = None
    #: whether it is a graph of nodes, each bounded by itself
    is_graph: ClassVar[bool] = False
    #: whether the function wants the context as its second argument
    wants_context: bool = field(init=False)
    is_async: bool = field(init=False)
    is_isolated: bool = field(init=False)

    def __post_init__(self) -> None:
        self.wants_context = _check_signature(self.fn, self.name)
        self.is_async = inspect.iscoroutinefunction(self.fn)
        self.is_isolated = self.isolation == "process"
        # Its attributes stay its own: a decorator before this one may have set a `retry` on it.
        update_wrapper(self, self.fn, updated=())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.fn(*args, **kwargs)

    def check(self) -> Self:
        """Raises FlowInvalid for what could not run (graphs.flow). A function was checked as it was
        described."""
        return self

    def part(self, path: str) -> Flow:
        """The flow that runs the items of this node (graphs.flow). A function has none."""
        raise FlowInvalid(f"flow {self.name} has no node {path!r} any more: it is a function now")


def described(
    function: Callable[..., Any],
    make: type[F],
    *,
    id: str | None = None,
    title: str | None = None,
    description: str | None = None,
    version: str | None = None,
    retries: int = 3,
    backoff: float = 0.5,
    backoff_cap: float = 60.0,
    timeout: float | None = DEFAULT_TIMEOUT,
    exclusive: bool = False,
    isolation: Isolated = "none",
    memory: int | str | None = None,
    source: type_of_source | None = None,
    fold: type_of_fold | None = None,
    access: Access = OPEN_TO_ALL,
) -> F:
    """What `@flow` makes of a function, and graphs of their nodes. Raises FlowInvalid."""
    name: str = id or str(getattr(function, "__name__", ""))
    if not FLOW_NAME.fullmatch(name):
        raise FlowInvalid(
            f"{name!r} cannot be a flow's name: letters, digits, `_`, `.` and `-`, "
            "beginning with a letter. Give it one: @flow(id=…)"
        )
    if isinstance(retries, bool) or not isinstance(retries, int) or retries < 0:
        raise FlowInvalid(f"flow {name}: retries must be 0 or more, not {retries!r}")
    for option, value in (("backoff", backoff), ("backoff_cap", backoff_cap)):
        if not _is_seconds(value):
            raise FlowInvalid(f"flow {name}: {option} must be 0 s or more, not {value!r}")
    if timeout is not None and not (_is_seconds(timeout) and timeout):
        raise FlowInvalid(f"flow {name}: timeout must be more than 0 s, not {timeout!r}")
    limit = _memory(name, isolation, memory)
    text = inspect.cleandoc(function.__doc__ or "")
    it = make.__new__(make)
    Flow.__init__(
        it,
        fn=function,
        name=name,
        title=title or text.partition("\n")[0] or name,
        description=description if description is not None else text,
        version=version or version_of(function),
        retry=RetryPolicy(retries=retries, base=backoff, cap=backoff_cap),
        timeout=timeout,
        exclusive=exclusive,
        isolation=isolation,
        memory=limit,
        source=source,
        fold=fold,
        access=access,
    )
    return it


def _is_seconds(value: object) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and value >= 0
    )


def _memory(name: str, isolation: object, memory: object) -> int | None:
    """In bytes."""
    if isolation not in get_args(Isolated):
        raise FlowInvalid(f'flow {name}: isolation is "none" or "process", not {isolation!r}')
    if memory is None:
        return None
    size = bytes_of(memory) if isinstance(memory, str) else memory
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise FlowInvalid(f"flow {name}: memory must be {SIZES}, not {memory!r}")
    if isolation != "process":
        raise FlowInvalid(
            f"flow {name}: memory is what a child process may have, beside others it cannot be "
            'told whose it is. Add isolation="process"'
        )
    return size


def version_of(function: Callable[..., Any]) -> str:
    try:
        text = inspect.getsource(function)
    except (OSError, TypeError):  # typed at a prompt, or built at run time: no source to read
        return "0"
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _check_signature(function: Callable[..., Any], name: str) -> bool:
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise FlowInvalid(f"flow {name}: a flow returns its result; it cannot be a generator")
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        raise FlowInvalid(f"flow {name}: a flow must be a function of one record") from None
    positional = [
        it
        for it in parameters
        if it.kind in (it.POSITIONAL_ONLY, it.POSITIONAL_OR_KEYWORD, it.VAR_POSITIONAL)
    ]
    wants_context = len(positional) > 1 and _is_context(*positional[:2])
    filled = positional[: 2 if wants_context else 1]
    unfilled = [
        it
        for it in parameters
        if it.default is it.empty
        and it.kind not in (it.VAR_POSITIONAL, it.VAR_KEYWORD)
        and it not in filled
    ]
    if not positional or unfilled:
        raise FlowInvalid(
            f"flow {name}: a flow takes one record and, if it wants it, the context: "
            f"def {name}(record) or def {name}(record, ctx)"
        )
    return wants_context


def _is_context(first: inspect.Parameter, second: inspect.Parameter) -> bool:
    if inspect.Parameter.VAR_POSITIONAL in (first.kind, second.kind):
        return False
    return second.name in ("ctx", "context") or "Context" in str(second.annotation)
