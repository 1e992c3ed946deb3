"""What `run` and `create` are asked for alike: each flag is described once, and both take it.

A command says `wanted: Wanted` where these flags belong; `taking_wanted` makes it a command that
has each of them, and hands them over as one value.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import MISSING, dataclass, fields
from typing import Any, get_type_hints

from fanfold.cli import parameters as given
from fanfold.cli import people


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    flow: given.FlowName
    source: given.SourceNames = None
    format: given.Format = None
    delimiter: given.Delimiter = None
    columns: given.Columns = None
    no_header: given.NoHeader = False
    pointer: given.Pointer = None
    files: given.Files = None
    select: given.Select = None
    key: given.Key = "id"
    unique_keys: given.UniqueKeys = False
    max_records: given.MaxRecords = None
    shuffle: given.Shuffle = False
    seed: given.Seed = None
    priority_field: given.PriorityField = None
    param: given.Param = None
    params: given.Params = None
    grid: given.Grid = None
    label: given.Label = None
    tag: given.Tag = None
    manager: people.Manager = None
    monitor: people.Monitor = None
    request_id: given.RequestId = None
    check: given.Check = False
    concurrency: given.Concurrency = None
    rate: given.Rate = None
    error_policy: given.ErrorPolicy = None
    max_failures: given.MaxFailures = None
    deadline: given.Deadline = None
    retries: given.Retries = None
    timeout: given.Timeout = None
    priority: given.PriorityClass = None


def taking_wanted(command: Callable[..., int]) -> Callable[..., int]:
    own = inspect.signature(command, eval_str=True)
    names = [field.name for field in fields(Wanted)]

    def taking(**arguments: Any) -> int:
        wanted = Wanted(**{name: arguments.pop(name) for name in names})
        return command(wanted=wanted, **arguments)

    taking.__name__, taking.__doc__ = command.__name__, command.__doc__
    parameters = [
        it.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in own.parameters.values()
        for it in (_wanted() if parameter.name == "wanted" else [parameter])
    ]
    taking.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    taking.__annotations__ = {it.name: it.annotation for it in parameters}
    return taking


def _wanted() -> Iterator[inspect.Parameter]:
    hints = get_type_hints(Wanted, include_extras=True)
    for field in fields(Wanted):
        default = inspect.Parameter.empty if field.default is MISSING else field.default
        yield inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=default,
            annotation=hints[field.name],
        )
