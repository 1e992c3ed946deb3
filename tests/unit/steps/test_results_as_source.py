"""One batch made of another one's results."""

from __future__ import annotations

import pytest

from fanfold.domain.batch import Batch
from fanfold.errors import SourceInvalid
from fanfold.ports import Ports
from fanfold.sources.results import from_results
from fanfold.steps.results_as_source import results_as_source
from fanfold.testing.home import Home

PUPPET = "fanfold.testing.puppet:puppet"


def worked_on(home: Home, *records: dict[str, object]) -> Batch:
    batch = home.create(list(records), PUPPET, retries=0)
    assert home.start_worker(threads=2).wait() == 0
    return home.ports.batches.get(batch.id)


def test_only_what_succeeded_comes_with_its_key_and_in_order(home: Home) -> None:
    batch = worked_on(
        home,
        {"id": "a", "do": "return", "value": {"x": 1}},
        {"id": "b", "do": "permanent"},
        {"id": "c", "do": "return", "value": None},
        {"do": "return", "value": {"id": "own"}},
    )
    results = results_as_source(home.ports, batch)
    assert results.name == f"batch:{batch.id}"
    assert results.version == "generation 1"
    lines = list(from_results(results))
    assert [(it.key, it.data) for it in lines] == [
        ("a", {"x": 1}),
        ("c", None),
        ("own", {"id": "own"}),
    ]
    assert [it.place for it in lines][1] == f"batch:{batch.id}: record 2"


def test_a_batch_that_has_not_ended_is_not_read(home: Home, ports: Ports) -> None:
    batch = home.create([{"do": "ok"}], PUPPET)
    with pytest.raises(
        SourceInvalid, match=r"it is pending\. Wait until it has ended: fanfold wait"
    ):
        results_as_source(ports, batch)
