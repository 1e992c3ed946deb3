"""What there is to offer to the shell: batches, letters and flows, found without loading much.

A flow is found by reading its file, not by importing it: Tab must not run anybody's code.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from importlib.machinery import PathFinder
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from fanfold.domain.batch import Batch
    from fanfold.domain.letter import Letter
    from fanfold.engines.embedded.database import Database

T = TypeVar("T")

_MAX_FILES = 100
_MAX_BYTES = 200_000
_FLOW = "flow"
_GRAPH = "Flow"
_ENTRY_POINTS = _BUNDLED = "fanfold.flows"


def newest_batches(given: Mapping[str, Any], limit: int) -> list[Batch] | None:
    """Of the home that the command line `given` so far means. None where only a server knows."""
    from fanfold.engines.embedded.batches import EmbeddedBatches

    return _found(given, lambda database: EmbeddedBatches(database).find(limit=limit))


def newest_letters(given: Mapping[str, Any], limit: int) -> list[Letter] | None:
    """Likewise."""
    from fanfold.engines.embedded.letters import EmbeddedLetters

    return _found(given, lambda database: EmbeddedLetters(database).find(limit=limit))


def _found(given: Mapping[str, Any], look: Callable[[Database], list[T]]) -> list[T] | None:
    from fanfold.engines.embedded.database import Database
    from fanfold.settings import Settings

    settings = Settings.from_env()
    if str(given.get("engine") or settings.engine) != "embedded":
        return None
    home = settings.home.expanduser().absolute()
    if not (home / "fanfold.db").is_file():
        return []
    database = Database(home)
    try:
        return look(database)
    finally:
        database.close()


def flows_in_sight() -> list[tuple[str, str]]:
    """By name, those that are registered; by file, those of the current folder."""
    from fanfold.settings import Settings

    found: dict[str, str] = {}
    for place in Settings.from_env().flow_places:
        for path in _files_of(place):
            found |= {name: title for _, name, title in flows_in(path)}
    found |= {point.name: "" for point in entry_points(group=_ENTRY_POINTS)}
    for folder in _files_of(_BUNDLED):
        for path in sorted(folder.parent.glob("*.py")):
            found |= {name: title for _, name, title in flows_in(path)}
    for path in sorted(Path().glob("*.py"))[:_MAX_FILES]:
        flows = flows_in(path)
        for attribute, _, title in flows:
            found[path.name if len(flows) == 1 else f"{path.name}:{attribute}"] = title
    return list(found.items())


def flows_in(path: Path) -> list[tuple[str, str, str]]:
    """Each flow's function, name and title, as far as that can be read."""
    with suppress(OSError, SyntaxError, ValueError):
        if path.stat().st_size <= _MAX_BYTES and _FLOW in (text := path.read_text("utf-8")).lower():
            return list(_flows_of(ast.parse(text)))
    return []


def _flows_of(tree: ast.Module) -> Iterator[tuple[str, str, str]]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and (graph := _graph_in(node.value)) is not None:
            named = _named(graph)
            for target in node.targets:
                if isinstance(target, ast.Name) and named.get("id"):
                    yield target.id, named["id"], named.get("title", "")
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for decorator in node.decorator_list:
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            if _FLOW in (getattr(called, "id", None), getattr(called, "attr", None)):
                given = _given_to(decorator)
                title = (ast.get_docstring(node) or "").partition("\n")[0]
                yield node.name, given.get("id", node.name), given.get("title", title)


def _graph_in(chain: ast.expr) -> ast.Call | None:
    """`Flow("total", …)` of `Flow("total", …).node(…).edge(…)`."""
    while isinstance(chain, ast.Call):
        if _GRAPH in (getattr(chain.func, "id", None), getattr(chain.func, "attr", None)):
            return chain
        if not isinstance(chain.func, ast.Attribute):
            return None
        chain = chain.func.value
    return None


def _named(graph: ast.Call) -> dict[str, str]:
    """Its name may be given with its keyword or without."""
    first = [ast.keyword("id", it) for it in graph.args[:1]]
    return _texts([*first, *graph.keywords])


def _given_to(decorator: ast.expr) -> dict[str, str]:
    return _texts(decorator.keywords if isinstance(decorator, ast.Call) else [])


def _texts(keywords: list[ast.keyword]) -> dict[str, str]:
    return {
        it.arg: it.value.value
        for it in keywords
        if it.arg and isinstance(it.value, ast.Constant) and isinstance(it.value.value, str)
    }


def _files_of(place: str) -> Iterator[Path]:
    """The file that a place of FANFOLD_FLOWS is; a module's without importing what is around it."""
    if place.endswith(".py") or "/" in place:
        yield Path(place).expanduser()
        return
    parts = place.split(".")
    spec = PathFinder.find_spec(parts[0])
    for stop in range(2, len(parts) + 1):
        if spec is None or spec.submodule_search_locations is None:
            return
        name = ".".join(parts[:stop])
        spec = PathFinder.find_spec(name, spec.submodule_search_locations)
    if spec is not None and spec.origin is not None:
        yield Path(spec.origin)
