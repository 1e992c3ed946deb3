from __future__ import annotations

from typing import Any

import pytest

from fanfold import Flow, Permanent
from fanfold.execution.library import Library
from fanfold.flows.doubling import doubling, one_record
from fanfold.flows.doubling_apart import apart


@pytest.fixture(params=[doubling, apart], ids=lambda it: it.name)
def its(request: pytest.FixtureRequest) -> Flow:
    found = request.param
    assert isinstance(found, Flow)
    return found


@pytest.mark.parametrize(
    ("record", "parameters", "total"),
    [
        ({}, {}, 120),
        (None, {}, 120),
        ({"numbers": [1, 2]}, {}, 6),
        ({"numbers": []}, {"count": 5}, 0),
        ({}, {"count": 5}, 300),
    ],
)
def test_each_number_is_doubled_and_added_up(
    its: Flow, record: Any, parameters: dict[str, Any], total: int
) -> None:
    assert its.run(record, parameters=parameters) == total


def test_it_has_a_record_of_its_own(its: Flow) -> None:
    assert its.source is one_record
    assert [its.run(record) for record in one_record()] == [120]


def test_no_number_of_numbers_is_refused(its: Flow) -> None:
    with pytest.raises(Permanent, match="count must be 0 or more, not -1"):
        its.run({}, parameters={"count": -1})


@pytest.mark.parametrize("place", ["doubling:doubling", "doubling_apart:apart"])
def test_it_is_the_one_flow_of_its_module(place: str) -> None:
    module = f"fanfold.flows.{place.partition(':')[0]}"
    assert Library().find(module).place == f"fanfold.flows.{place}"
