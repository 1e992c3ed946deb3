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
from fanfold.cli import source_parameters as sources
from fanfold.cli import work_parameters as work


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    flow: given.FlowName
    source: sources.SourceNames = None
    format: sources.Format = None
    delimiter: sources.Delimiter = None
    columns: sources.Columns = None
    no_header: sources.NoHeader = False
    pointer: sources.Pointer = None
    files: sources.Files = None
    select: sources.Select = None
    key: sources.Key = "id"
    unique_keys: sources.UniqueKeys = False
    max_records: sources.MaxRecords = None
    shuffle: sources.Shuffle = False
    seed: sources.Seed = None
    priority_field: sources.PriorityField = None
    param: sources.Param = None
    params: sources.Params = None
    grid: sources.Grid = None
    label: sources.Label = None
    tag: sources.Tag = None
    manager: people.Manager = None
    monitor: people.Monitor = None
    request_id: sources.RequestId = None
    check: sources.Check = False
    concurrency: work.Concurrency = None
    rate: work.Rate = None
    error_policy: work.ErrorPolicy = None
    max_failures: work.MaxFailures = None
    max_spend: work.MaxSpend = None
    canary: work.Canary = None
    interactive: work.Interactive = False
    deadline: work.Deadline = None
    retries: work.Retries = None
    timeout: work.Timeout = None
    priority: work.PriorityClass = None
    after: work.After = None
    after_any_end: work.AfterAnyEnd = False


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
