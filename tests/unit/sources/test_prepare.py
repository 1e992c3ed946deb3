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


def test_a_priority_is_looked_for_in_the_records_that_were_made() -> None:
    records = [{"url": 3}, {"url": 12}]
    options = BatchOptions(select={"p": "url"}, priority_field="p")
    with pytest.raises(SourceInvalid, match="list: record 1: the priority in 'p' is 12, and"):
        list(prepared(from_iterable(records, name="list"), options))


def test_a_key_of_a_record_without_a_good_priority_is_not_one_that_there_is() -> None:
    told: list[str] = []
    records = [{"id": 1, "p": "high"}, {"id": 1, "p": 2}]
    options = BatchOptions(unique_keys=True, priority_field="p")
    lines = prepared(
        from_iterable(records, name="l"), options, on_problem=lambda it: told.append(str(it))
    )
    assert [line.key for line in lines] == ["1"]
    assert len(told) == 1
