"""A batch with a rate: what is let out of it, and what may be changed. On both engines."""

from __future__ import annotations

from typing import Any

import pytest

from fanfold.domain.batch import BatchState
from fanfold.domain.run import RunState
from fanfold.errors import IllegalTransition, OptionInvalid
from fanfold.ports import Ports
from fanfold.steps.change import change
from fanfold.steps.retry import Selection, retry
from fanfold.steps.stop import cancel
from fanfold.testing.conformance.rig import ok
from fanfold.testing.home import Home
from fanfold.testing.stations import fanned_out, finalized, finished, runs_taken

pytestmark = pytest.mark.each_engine

PUPPET = "fanfold.testing.puppet:puppet"
RECORDS: list[Any] = [{"n": n} for n in range(60)]
CANCELED = Selection(states=frozenset({RunState.CANCELED}), what="--canceled")


def test_no_more_is_let_out_than_the_rate_can_use(ports: Ports, home: Home) -> None:
    batch = fanned_out(ports, home.create(RECORDS, PUPPET, rate="1/s"))
    assert batch.options.concurrency == 20
    assert len(runs_taken(ports)) == 20


def test_the_limit_that_is_named_holds(ports: Ports, home: Home) -> None:
    fanned_out(ports, home.create(RECORDS, PUPPET, rate="1/s", concurrency=3))
    assert len(runs_taken(ports)) == 3


def test_a_higher_rate_lets_out_what_it_can_use(ports: Ports, home: Home) -> None:
    batch = fanned_out(ports, home.create(RECORDS, PUPPET, rate="1/s"))
    runs_taken(ports)
    changed = change(ports, batch.id, {"rate": "2/s"})
    assert (changed.options.rate, changed.options.concurrency) == ("2/s", 40)
    assert len(runs_taken(ports)) == 20


def test_a_limited_batch_may_be_given_a_rate_and_keeps_its_limit(ports: Ports, home: Home) -> None:
    batch = fanned_out(ports, home.create(RECORDS, PUPPET, concurrency=5))
    changed = change(ports, batch.id, {"rate": "100/s"})
    assert (changed.options.rate, changed.options.concurrency) == ("100/s", 5)
    changed = change(ports, batch.id, {"rate": None})
    assert (changed.options.rate, changed.options.concurrency) == (None, 5)


def test_a_batch_whose_messages_are_out_is_given_none_and_told_the_way(
    ports: Ports, home: Home
) -> None:
    batch = fanned_out(ports, home.create(RECORDS, PUPPET))
    with pytest.raises(IllegalTransition, match="retry --canceled --rate"):
        change(ports, batch.id, {"rate": "1/s"})
    assert ports.batches.get(batch.id).options == batch.options


def test_that_way_leads_there(ports: Ports, home: Home) -> None:
    batch = fanned_out(ports, home.create(RECORDS, PUPPET))
    runs_taken(ports)
    ports.runs.settle(batch, [ok(batch, 0)])
    cancel(ports, batch.id)
    assert finalized(ports, batch).state is BatchState.CANCELED
    retried = retry(ports, batch.id, CANCELED, {"rate": "1/s"})
    assert (retried.records, retried.batch.options.concurrency) == (59, 20)
    fanned_out(ports, retried.batch)
    assert len(runs_taken(ports)) == 20


def test_a_retry_may_have_another_rate_and_what_that_can_use(ports: Ports, home: Home) -> None:
    batch = fanned_out(ports, home.create(RECORDS[:2], PUPPET, rate="1/s"))
    ended = finished(ports, batch, [ok(batch, 0), ok(batch, 1)])
    retried = retry(ports, ended.id, Selection(ids=frozenset({1}), what="1"), {"rate": "2/s"})
    assert (retried.batch.options.rate, retried.batch.options.concurrency) == ("2/s", 40)


@pytest.mark.parametrize("changes", [{"rate": "soon"}, {"rate": "0/s"}, {"concurrency": 0}])
def test_nonsense_is_refused_and_changes_nothing(
    ports: Ports, home: Home, changes: dict[str, Any]
) -> None:
    batch = fanned_out(ports, home.create(RECORDS[:1], PUPPET, rate="1/s"))
    with pytest.raises(OptionInvalid):
        change(ports, batch.id, changes)
    ended = finished(ports, batch, [ok(batch, 0)])
    with pytest.raises(OptionInvalid):
        retry(ports, batch.id, Selection(ids=frozenset({0}), what="0"), changes)
    assert ports.batches.get(batch.id) == ended


def test_the_turns_go_on_where_an_older_generation_left_them(ports: Ports, home: Home) -> None:
    """What a retry begins at once would be too much with what has begun just before."""
    batch = fanned_out(ports, home.create(RECORDS[:1], PUPPET, rate="1/s"))
    now = ports.clock.now()
    before = ports.frontier.reserve(batch.id, 1, 1.0, 2.0, now)
    ended = finished(ports, batch, [ok(batch, 0)])
    retried = retry(ports, ended.id, Selection(ids=frozenset({0}), what="0"))
    after = ports.frontier.reserve(retried.batch.id, 1, 1.0, 2.0, now)
    assert after.first == before.next
