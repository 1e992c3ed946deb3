from __future__ import annotations

from typing import Any

import pytest

from fanfold.flows.echo import echo


@pytest.mark.parametrize("record", [None, 0, "text", [1], {"a": None}])
def test_echo_gives_back_what_it_is_given(record: Any) -> None:
    assert echo(record) == record


def test_echo_is_tried_once() -> None:
    assert echo.name == "echo"
    assert echo.retry.retries == 0
