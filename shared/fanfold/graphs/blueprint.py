"""A flow as data, for who draws it, compares it, or builds it again: what may stand in it.

    {"blueprint": 1, "name": "total",
     "nodes": [{"id": "start", "function": "flows:start"},
               {"id": "double", "function": "flows:double", "scatter": {"concurrency": 10}},
               {"id": "sum", "function": "builtins:sum"}],
     "edges": [{"source": "start", "target": "double"}, {"source": "double", "target": "sum"}]}

`written_down` writes every field, `rebuilt` fills in what is left out. A function is named by its
place, since code is no data; what has no place is written as `{"unplaced": "<lambda>"}`, so that
any flow can be drawn. docs/blueprint.schema.json is made of these classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    field_validator,
)
from pydantic_core import PydanticCustomError

from fanfold.domain.flow import DEFAULT_TIMEOUT, Isolated
from fanfold.domain.people import ALL
from fanfold.errors import FlowInvalid
from fanfold.graphs.flow import CONCURRENCY
from fanfold.graphs.graph import Join, OnFailure

VERSION = 1
#: fields of which there are kinds: behind their names pydantic puts the kind's
_OF_KINDS = ("function", "fallback", "source", "fold", "when")
_KINDS = ("place", "unplaced", "blueprint", "text", "called")
_WORDS = {"missing": "is missing", "extra_forbidden": "is no field of it"}
_NO_CODE = 'a function is its place, as in "package.module:name", {"unplaced": …} or a blueprint'
_NO_CONDITION = 'a condition is text, or {"function": …}'


class _Strict(BaseModel):
    """What is misspelt is refused, and a number that is a text."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Unplaced(_Strict):
    """A function that no name leads to: a lambda, or one made by another function's call."""

    #: for people
    unplaced: str


def _kind_of_code(value: Any) -> str | None:
    if isinstance(value, str):
        return "place"
    if isinstance(value, Mapping):
        return "blueprint" if "blueprint" in value else "unplaced"
    return None


def _kind_of_condition(value: Any) -> str | None:
    if isinstance(value, str):
        return "text"
    return "called" if isinstance(value, Mapping) else None


Placed = Annotated[
    Annotated[str, Tag("place")] | Annotated[Unplaced, Tag("unplaced")],
    Discriminator(_kind_of_code, custom_error_type="code", custom_error_message=_NO_CODE),
]
#: a node may be a flow itself: then its blueprint stands here
Code = Annotated[
    Annotated[str, Tag("place")]
    | Annotated[Unplaced, Tag("unplaced")]
    | Annotated["Blueprint", Tag("blueprint")],
    Discriminator(_kind_of_code, custom_error_type="code", custom_error_message=_NO_CODE),
]


class Called(_Strict):
    """A condition that is a function of the source's output."""

    function: Placed


Condition = Annotated[
    Annotated[str, Tag("text")] | Annotated[Called, Tag("called")],
    Discriminator(_kind_of_condition, custom_error_type="code", custom_error_message=_NO_CONDITION),
]


class Scattered(_Strict):
    """What makes a node run once for each item of a list (`Flow.batch`)."""

    #: where the list is; null: what the node before it returned
    input_key: str | None = None
    #: where the outputs are put; null: under the node's id
    output_key: str | None = None
    #: items in flight at once
    concurrency: int = CONCURRENCY
    distributed: bool | None = None
    on_failure: OnFailure = "fail"


class NodeBlueprint(_Strict):
    """A node (`Flow.node`). One whose function is a blueprint has that one's retries and timeout
    instead of its own."""

    id: str
    function: Code
    #: of a node that is not scattered: its keys
    inputs: str | list[str] | dict[str, str] | None = None
    join: Join = "all"
    retries: int | None = None
    backoff: int | float | None = None
    timeout: int | float | None = None
    fallback: Code | None = None
    scatter: Scattered | None = None


class EdgeBlueprint(_Strict):
    """An edge (`Flow.edge`)."""

    source: str
    target: str
    #: a condition as it is written, or a function
    when: Condition | None = None


class Who(_Strict):
    """Who may do what with it (`Access`)."""

    owner: str = ""
    viewers: list[str] = []
    starters: list[str] = [ALL]
    monitors: list[str] = []
    managers: list[str] = []


class Blueprint(_Strict):
    """A flow. Of a function with `@flow` the kind is "function", and its only node has an id and a
    function."""

    #: the version of this grammar
    blueprint: Literal[1]
    kind: Literal["graph", "function"] = "graph"
    name: str
    title: str | None = None
    description: str | None = None
    #: as its author has set it; null: of its code
    version: str | None = None
    #: of a graph: nodes and items of one run in flight at once
    concurrency: int = CONCURRENCY
    retries: int = 3
    backoff: int | float = 0.5
    backoff_cap: int | float = 60.0
    timeout: int | float | None = DEFAULT_TIMEOUT
    exclusive: bool = False
    isolation: Isolated = "none"
    #: bytes
    memory: int | None = None
    source: Placed | None = None
    fold: Placed | None = None
    access: Who = Field(default_factory=Who)
    nodes: list[NodeBlueprint]
    edges: list[EdgeBlueprint] = []

    @field_validator("blueprint", mode="before")
    @classmethod
    def _known(cls, value: Any) -> Any:
        if type(value) is not int or value != VERSION:
            raise PydanticCustomError("version", "only version 1 of blueprints is known here")
        return value


def parsed(blueprint: Any) -> Blueprint:
    """Raises FlowInvalid, naming the first place that is wrong, on one line."""
    if not isinstance(blueprint, Mapping):
        raise FlowInvalid(f"a blueprint is an object, not {type(blueprint).__name__}")
    try:
        return Blueprint.model_validate(dict(blueprint))
    except ValidationError as error:
        first, *others = error.errors(include_url=False, include_context=False)
        place = ": ".join(_places(blueprint, first["loc"]))
        told = _WORDS.get(first["type"]) or f"{first['msg']}{_got(first)}"
        more = f" (and {len(others)} more)" if others else ""
        raise FlowInvalid(
            f"blueprint of {blueprint.get('name', 'a flow')}: {place}: {told}{more}"
        ) from None


def _places(value: Any, loc: tuple[int | str, ...]) -> list[str]:
    """`node 'double'`, `retries`: nodes and edges by their names instead of their numbers."""
    words: list[str] = []
    for part in loc:
        if isinstance(value, list) and isinstance(part, int) and part < len(value):
            kind, value = words.pop(), value[part]
            words.append(_named(kind, part, value))
        elif not (words and words[-1] in _OF_KINDS and part in _KINDS):
            words.append(str(part))
            value = value.get(part) if isinstance(value, Mapping) else None
    return words


def _named(kind: str, number: int, value: Any) -> str:
    if isinstance(value, Mapping) and kind == "nodes" and "id" in value:
        return f"node {value['id']!r}"
    if isinstance(value, Mapping) and kind == "edges" and {"source", "target"} <= value.keys():
        return f"edge {value['source']!r} → {value['target']!r}"
    return f"{kind}[{number}]"


def _got(error: Any) -> str:
    text = repr(error["input"])
    return f", got {text if len(text) <= 80 else text[:79] + '…'}"
