"""The demo: measure every module of the Python that runs it, and rank them.

    fanfold run fanfold.flows.stdlib:measure

It needs no data but what every machine has. Some of the files are not meant to parse (the standard
library tests itself with them, where its tests are installed): they fail, and say why.
"""

from __future__ import annotations

import ast
import heapq
import os
import sysconfig
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import Lock
from typing import Any

from fanfold import Permanent, Result, flow

TOP = 10
_NOT_STDLIB = frozenset({"site-packages", "dist-packages", "__pycache__"})
#: Stands for a file's name in warnings about its code, so that one filter finds them all.
_MEASURED = "<measured>"
_FILTERING = Lock()


def modules(root: Path | None = None) -> Iterator[dict[str, str]]:
    """A record for each module of the standard library, always in the same order."""
    root = root or Path(sysconfig.get_path("stdlib"))
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(set(folders) - _NOT_STDLIB)
        package = Path(folder).relative_to(root).parts
        for file in sorted(files):
            path = Path(folder, file)
            if path.suffix == ".py":
                name = () if path.stem == "__init__" and package else (path.stem,)
                yield {"id": ".".join(package + name), "path": str(path)}


def rank(results: Iterable[Result]) -> dict[str, Any]:
    """The whole library in a few lines: sums, the most complex modules, the longest function."""
    sums = {"modules": 0, "lines": 0, "functions": 0, "classes": 0, "failed": 0}
    most_complex: list[tuple[int, str]] = []
    longest: tuple[int, str] = (0, "")
    for result in results:
        sums["modules"] += 1
        if not result.ok:
            sums["failed"] += 1
            continue
        module, measured = result.key or str(result.index), result.output
        for name in ("lines", "functions", "classes"):
            sums[name] += measured[name]
        most_complex.append((measured["complexity"], module))
        most_complex = heapq.nlargest(TOP, most_complex)
        if (function := measured["longest"]) is not None:
            longest = max(longest, (function["lines"], f"{module}.{function['name']}"))
    return {
        **sums,
        "most complex": [{"module": name, "complexity": size} for size, name in most_complex],
        "longest": {"function": longest[1], "lines": longest[0]} if longest[0] else None,
    }


@flow(retries=1, source=modules, fold=rank)
def measure(record: dict[str, str]) -> dict[str, Any]:
    """Lines, functions, classes and cyclomatic complexity of one Python file."""
    text = Path(record["path"]).read_bytes()
    classes, complexity = 0, 1
    functions: list[ast.FunctionDef | ast.AsyncFunctionDef] = []
    for node in ast.walk(_parse(text)):
        kind = type(node)
        if kind in _BRANCHES:
            complexity += 1
        elif isinstance(node, ast.BoolOp):
            complexity += len(node.values) - 1
        elif isinstance(node, ast.comprehension):
            complexity += 1 + len(node.ifs)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            functions.append(node)
        elif kind is ast.ClassDef:
            classes += 1
    longest = max(functions, key=_length, default=None)
    return {
        "lines": len(text.splitlines()),
        "functions": len(functions),
        "classes": classes,
        "complexity": complexity,
        "longest": longest and {"name": longest.name, "lines": _length(longest)},
    }


#: Each of these is one more way through the code. And so is every further part of an `and` or `or`,
#: and every loop and condition of a comprehension.
_BRANCHES: frozenset[type[ast.AST]] = frozenset(
    {
        *(ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While),
        *(ast.ExceptHandler, ast.match_case),
    }
)


def _parse(text: bytes) -> ast.Module:
    _ignore_warnings()
    try:
        return ast.parse(text, filename=_MEASURED)
    except SyntaxError as error:
        place = f" (line {error.lineno})" if error.lineno else ""
        raise Permanent(f"does not parse: {error.msg}{place}") from error
    except ValueError as error:  # null bytes, on older Pythons
        raise Permanent(f"does not decode: {error}") from error
    except (RecursionError, MemoryError) as error:
        raise Permanent("does not parse: it is nested too deeply") from error


def _ignore_warnings() -> None:
    """Old modules hold escapes that Python warns of while it parses.

    `warnings.catch_warnings` swaps a global list and is not for threads, which flows run in. So one
    filter, for what is measured and nothing else, is put in for good; looked for each time, since
    somebody else's catch_warnings may have taken it away.
    """
    with _FILTERING:
        if not any(it[0] == "ignore" and _is_ours(it[3]) for it in warnings.filters):
            warnings.filterwarnings("ignore", module=_MEASURED)


def _is_ours(module: Any) -> bool:
    return bool(getattr(module, "pattern", module) == _MEASURED)


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1
