"""An application held against its own OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode, checks
from schemathesis.core.result import Ok

#: not whether all is taken that the document allows: a seed without a shuffle is refused
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]


def assert_answers_as_documented(
    url: str,
    mode: GenerationMode,
    examples: int,
    headers: dict[str, str],
    prepared: Callable[[str], Callable[[Any, int], None]],
) -> None:
    """No unexpected error, no status and no shape that is not in the document. `examples`: for each
    call. `prepared` is told the call and gives what changes each case before it is asked, which is
    told how many were."""
    asked = 0
    for found in schemathesis.openapi.from_url(url).get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        change = prepared(operation.label)

        @given(operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=examples,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def ask(case: Any) -> None:
            nonlocal asked
            asked += 1
            change(case, asked)  # noqa: B023  it is called here
            case.call_and_validate(headers=headers, checks=CHECKS)

        with suppress(Unsatisfiable):  # where anything may be asked, nothing is wrong
            ask()
    assert asked > 100
