"""What `run` and `create` are asked for, checked as far as it can be before anything is stored."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from fanfold.errors import OptionInvalid, SourceInvalid

if TYPE_CHECKING:
    from fanfold.domain.batch import Batch
    from fanfold.domain.flow import Flow
    from fanfold.execution.library import Found
    from fanfold.ports import Ports
    from fanfold.sources.line import Line
    from fanfold.steps.create_batch import BatchRequest


@dataclass(frozen=True, slots=True)
class Order:
    flow: Flow
    request: BatchRequest
    lines: Callable[[], Iterator[Line]]

    def place(self, ports: Ports, on_progress: Callable[[int], None]) -> Batch:
        """Create the batch; each record is checked against the flow's own annotation first."""
        from fanfold.execution.validation import check_input
        from fanfold.steps.create_batch import create_batch

        def check(data: Any) -> None:
            check_input(self.flow, data)

        return create_batch(ports, self.request, self.lines, check=check, on_progress=on_progress)


def order(
    flow: str,
    source: str | None,
    *,
    places: tuple[str, ...],
    params: Path | None,
    param: Iterable[str],
    request_id: str | None,
    **options: Any,
) -> Order:
    """Nothing is opened yet but the flow's own module."""
    from fanfold.domain.options import options_from
    from fanfold.execution.library import Library
    from fanfold.steps.create_batch import BatchRequest

    checked = options_from({**options, "parameters": parameters_from(params, param)})
    found = Library(places).find(flow)
    name, lines = _source_of(found, source, flow, checked.key)
    return Order(found.flow, BatchRequest(found.ref, checked, name, request_id), lines)


def _source_of(
    found: Found, text: str | None, typed: str, key: str
) -> tuple[str, Callable[[], Iterator[Line]]]:
    """What to call it, and its records."""
    from fanfold.sources.iterable import from_iterable
    from fanfold.sources.open import open_source

    if text is not None:
        lines = open_source(text, key_field=key)  # what can be refused unread is refused here
        return ("standard input" if text == "-" else text), lambda: lines
    own = found.flow.source
    if own is None:
        raise SourceInvalid(
            f"flow {found.flow.name} has no source of its own. Name a JSON Lines file, or - for "
            f"standard input: fanfold run {typed} records.jsonl"
        )
    name = f"the source of {found.flow.name}"

    def items() -> Iterator[Any]:
        yield from own()  # called where what it raises is told as the source's fault

    return name, lambda: from_iterable(items(), name=name, key_field=key)


def parameters_from(file: Path | None, pairs: Iterable[str]) -> dict[str, Any]:
    """Those of the file, and then, one by one, those given as NAME=VALUE."""
    parameters = {} if file is None else _read(file)
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not name or not equals:
            raise OptionInvalid(f"--param {pair}: write NAME=VALUE, such as --param limit=5")
        try:
            parameters[name] = json.loads(text, parse_constant=_refuse)
        except (ValueError, RecursionError):
            parameters[name] = text
    return parameters


def _read(file: Path) -> dict[str, Any]:
    try:
        parameters = json.loads(file.read_text(encoding="utf-8"), parse_constant=_refuse)
    except OSError as error:
        raise OptionInvalid(f"--params {file}: {error.strerror}. Name a JSON file") from None
    except json.JSONDecodeError as error:
        raise OptionInvalid(
            f"--params {file}:{error.lineno}: not JSON: {error.msg} (column {error.colno})"
        ) from None
    except (ValueError, RecursionError) as error:
        raise OptionInvalid(f"--params {file}: {error}") from None
    if not isinstance(parameters, dict):
        raise OptionInvalid(f'--params {file}: write one JSON object, such as {{"limit": 5}}')
    return parameters


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value; write null")
