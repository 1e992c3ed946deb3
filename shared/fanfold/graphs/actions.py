"""`@action`: a function that calls a service, said so, for any graph's nodes.

@action(provider="slack", scopes=["chat:write"], roles=["roles/secretmanager.secretAccessor"])
def post(message: Message) -> str: ...

Flow("report").node("write", write).node("post", post).edge("write", "post")
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeVar

from fanfold.domain import flow as domain
from fanfold.domain.action import Action, action_of, mark
from fanfold.domain.people import OPEN_TO_ALL, Access
from fanfold.errors import FlowInvalid
from fanfold.graphs.function import is_graph
from fanfold.graphs.graph import Node
from fanfold.graphs.original import original
from fanfold.graphs.spread import CONTEXT, spread

C = TypeVar("C", bound=Callable[..., Any])


def action(
    *,
    provider: str,
    scopes: Sequence[str] = (),
    roles: Sequence[str] = (),
    id: str | None = None,
    title: str | None = None,
    description: str | None = None,
    access: Access = OPEN_TO_ALL,
) -> Callable[[C], C]:
    """Say what a function needs that calls a service. It stays the function that it is.

    provider: the service it calls, as in "slack". scopes: the OAuth scopes that its credentials
    need there. roles: the IAM roles that whatever runs it needs. id: its name (default: the
    function's). title, description: default its docstring. access: who may see it, where it is
    served over the network. Nothing is granted: `fanfold actions --roles` lists what to grant.
    """

    def marked(fn: C) -> C:
        text = inspect.cleandoc(fn.__doc__ or "")
        name = id or str(getattr(fn, "__name__", ""))
        it = Action(
            id=name,
            title=title or text.partition("\n")[0] or name,
            description=description if description is not None else text,
            provider=provider,
            scopes=_each(scopes),
            roles=_each(roles),
            access=access,
        )
        mark(fn, it)
        try:
            _as_flow(fn)
        except FlowInvalid as error:
            raise FlowInvalid(f"action {name}: {str(error).partition(': ')[2] or error}") from None
        return fn

    return marked


def action_of_node(node: Node) -> Action | None:
    return action_of(original(node.work))


def actions_of(flow: domain.Flow) -> list[Action]:
    """Those that it calls, in any of its nodes, also in those of graphs within it."""
    if not is_graph(flow):
        found = action_of(original(flow))
        return [] if found is None else [found]
    each: dict[Action, None] = {}
    for node in flow.graph.nodes.values():
        for work in (node.work, node.fallback):
            if work is not None:
                each.update(dict.fromkeys(actions_of(work)))
    return list(each)


def input_schema_of(fn: Callable[..., Any]) -> dict[str, Any] | None:
    """The JSON schema of what it takes, of its annotations; None: anything."""
    from fanfold.execution.validation import input_schema

    return input_schema(_as_flow(fn))


def output_schema_of(fn: Callable[..., Any]) -> dict[str, Any] | None:
    """Likewise of what it gives."""
    from fanfold.execution.validation import output_schema

    return output_schema(_as_flow(fn))


@cache
def _as_flow(fn: Callable[..., Any]) -> domain.Flow:
    """As a node has it: with one argument, or with arguments by name (`inputs={…}`)."""
    names: list[str] = []
    if callable(fn):
        its = inspect.signature(fn).parameters.values()
        names = [it.name for it in its if it.name not in CONTEXT and it.kind in _NAMED]
    called = spread(fn, {name: name for name in names}) if len(names) > 1 else fn
    return domain.described(called, domain.Flow, id="action", version="0")


_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def _each(values: Any) -> Any:
    """A text is a sequence of texts, too, and never meant as one."""
    if isinstance(values, str) or not isinstance(values, Sequence | set | frozenset):
        return values
    return tuple(dict.fromkeys(values))
