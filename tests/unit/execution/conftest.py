from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from fanfold.domain.flow import Flow, FlowRef
from fanfold.execution.call import Call
from fanfold.execution.context import Cancellation, Context

Write = Callable[[str, str], Path]
MakeCall = Callable[..., Call]


@pytest.fixture
def imports() -> Iterator[None]:
    """What a test imports, the next one has not."""
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if not name.startswith(("fanfold.", "pydantic")):
            del sys.modules[name]


@pytest.fixture
def write(tmp_path: Path, imports: None, monkeypatch: pytest.MonkeyPatch) -> Write:  # noqa: ARG001
    """Write a file into the current folder, an empty one of this test's own."""
    monkeypatch.chdir(tmp_path)

    def to_file(name: str, text: str) -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text), encoding="utf-8")
        return file

    return to_file


@pytest.fixture
def make_call() -> MakeCall:
    def call(
        flow: Flow,
        data: object = None,
        *,
        timeout: float | None = None,
        place: str = "",
        canceled: Cancellation | None = None,
        attempt: int = 1,
    ) -> Call:
        context = Context(
            batch_id="batch-aaaaaaaaaaaaaaaa",
            run_id="run",
            index=7,
            key="seven",
            attempt=attempt,
            parameters={"model": "small"},
            canceled=canceled,
        )
        return Call(flow, FlowRef(flow.name, flow.version, place), data, context, timeout)

    return call
