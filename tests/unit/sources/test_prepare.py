from __future__ import annotations

from typing import Any

import pytest

from fanfold.domain.options import BatchOptions
from fanfold.errors import SourceInvalid
from fanfold.sources.iterable import from_iterable
from fanfold.sources.prepare import prepared

RECORDS: list[Any] = [{"id": 1, "url": "u"}, {"id": 1, "url": "v"}]


def keys(**options: Any) -> list[str | None]:
    given = BatchOptions(**options)
    lines = from_iterable(RECORDS, name="list", key_field=given.key)
    return [line.key for line in prepared(lines, given)]


def test_without_options_records_stay_as_they_are() -> None:
    assert keys() == ["1", "1"]


def test_keys_are_compared_if_that_is_asked_for() -> None:
    with pytest.raises(SourceInvalid, match="the key '1' is that of"):
        keys(unique_keys=True)


def test_the_keys_compared_are_those_of_the_records_that_were_made() -> None:
    assert keys(unique_keys=True, select={"id": "url"}) == ["u", "v"]
    assert keys(unique_keys=True, select={"link": "url"}, key="link") == ["u", "v"]


def test_both_go_on_behind_a_bad_record_if_that_is_asked_for() -> None:
    told: list[str] = []
    records = [{"a": 1}, {}, {"a": 1}, {"a": 2}]
    options = BatchOptions(select={"id": "a"}, unique_keys=True)
    lines = prepared(
        from_iterable(records, name="l"), options, on_problem=lambda it: told.append(str(it))
    )
    assert [line.key for line in lines] == ["1", "2"]
    assert len(told) == 2
