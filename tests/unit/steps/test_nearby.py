"""Records from all over a batch, read a page at a time."""

from __future__ import annotations

from typing import Any

import pytest

from fanfold.ports import Ports
from fanfold.steps.nearby import records_at
from fanfold.testing.faults import Fault, with_faults
from fanfold.testing.home import Home
from fanfold.testing.stations import fanned_out

pytestmark = pytest.mark.each_engine

RECORDS: list[Any] = [{"n": n} for n in range(2500)]


@pytest.mark.parametrize(
    ("indexes", "reads"),
    [
        (range(3, 2500, 10), 1),
        ([2400, 7, 2401, 8], 2),
        ([0, 500, 1000, 1500], 1),
        ([0, 501, 1002], 3),
        ([], 0),
    ],
)
def test_what_lies_close_together_is_one_read(
    home: Home, ports: Ports, indexes: list[int], reads: int
) -> None:
    batch = fanned_out(ports, home.create(RECORDS, "fanfold.testing.puppet:puppet"))
    counted = Fault("batches", "records", "before", lambda: None, nth=1 << 30)
    found = records_at(with_faults(ports, [counted]), batch.id, indexes)
    assert {index: record.data for index, record in found.items()} == {
        index: RECORDS[index] for index in indexes
    }
    assert counted.calls == reads
