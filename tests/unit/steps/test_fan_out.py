"""From a source to pages, from pages to messages: each record once, in order, whatever happens."""

from __future__ import annotations

from typing import Any

import pytest

from fanfold.domain import batch as rules
from fanfold.domain.batch import Batch, BatchState, Ending
from fanfold.domain.digest import digest_of
from fanfold.domain.messages import FanOutMessage, PageMessage
from fanfold.domain.records import MAX_PAGE_RECORDS
from fanfold.errors import EngineError
from fanfold.folds.stream import stream_results
from fanfold.ports import Ports, Station
from fanfold.steps.fan_out import fan_out, publish_page
from fanfold.steps.stop import cancel
from fanfold.testing.conformance.rig import ok
from fanfold.testing.faults import Fault, lose_reply, with_faults
from fanfold.testing.home import Home
from fanfold.testing.stations import (
    after,
    fan_outs_taken,
    fanned_out,
    finalizations_taken,
    finalized,
    runs_taken,
    taken,
)

PUPPET = "fanfold.testing.puppet:puppet"
RECORDS: list[Any] = [{"id": f"key-{n}", "n": n} for n in range(1750)]
PAGES = 4


def never() -> bool:
    return False


def message(batch: Batch, **changes: Any) -> FanOutMessage:
    return FanOutMessage(batch_id=batch.id, **changes)


def publish_pages(ports: Ports) -> None:
    for it in fan_outs_taken(ports):
        assert isinstance(it, PageMessage)
        publish_page(ports, it)


def assert_paged(ports: Ports, batch: Batch) -> None:
    """Sealed, with the source's records, each once, in order."""
    stored = ports.batches.get(batch.id)
    assert stored.total == len(RECORDS)
    assert stored.checkpoint.pages == PAGES
    assert stored.checkpoint.digest == digest_of(0, len(RECORDS))
    records = list(ports.batches.records(batch.id, 0, len(RECORDS)))
    assert [(it.index, it.key, it.data) for it in records] == [
        (n, f"key-{n}", RECORDS[n]) for n in range(len(RECORDS))
    ]


def test_a_source_becomes_pages_and_each_record_one_message(home: Home, ports: Ports) -> None:
    batch = home.create(RECORDS, PUPPET)
    taken(ports, Station.FAN_OUT)
    fan_out(ports, message(batch), never)
    assert_paged(ports, batch)
    assert ports.batches.get(batch.id).state is BatchState.RUNNING
    publish_pages(ports)
    messages = runs_taken(ports)
    assert [it.index for it in messages] == list(range(len(RECORDS)))
    assert not any(it.again for it in messages)
    assert messages[7].record is not None
    assert (messages[7].record.key, messages[7].record.data) == ("key-7", RECORDS[7])


def test_no_page_holds_more_records_than_it_may(home: Home, ports: Ports) -> None:
    batch = home.create(RECORDS, PUPPET)
    taken(ports, Station.FAN_OUT)
    fan_out(ports, message(batch), never)
    pages = [it for it in fan_outs_taken(ports) if isinstance(it, PageMessage)]
    assert [it.stop - it.start for it in pages] == [MAX_PAGE_RECORDS] * 3 + [250]


def test_an_empty_source_asks_for_finalization_and_completes(home: Home, ports: Ports) -> None:
    batch = home.create([], PUPPET)
    fan_out(ports, message(batch), never)
    assert ports.batches.get(batch.id).total == 0
    assert len(finalizations_taken(ports)) == 1
    assert finalized(ports, batch).state is BatchState.COMPLETED


@pytest.mark.parametrize("concurrency", [None, 10_000])
def test_out_of_time_it_hands_on_and_the_next_goes_on_exactly_there(
    home: Home, ports: Ports, concurrency: int | None
) -> None:
    batch = home.create(RECORDS, PUPPET, concurrency=concurrency)
    taken(ports, Station.FAN_OUT)
    following: FanOutMessage | None = message(batch)
    legs = 0
    pages: list[PageMessage] = []
    while following is not None:
        fan_out(ports, following, after(1))
        legs += 1
        following = None
        for it in fan_outs_taken(ports):
            if isinstance(it, PageMessage):
                pages.append(it)
            else:
                assert following is None, "one hands on to one"
                following = it
                assert it.published == ports.batches.get(batch.id).checkpoint.pages
    assert legs >= PAGES
    assert_paged(ports, batch)
    for page in pages:
        publish_page(ports, page)
    assert [it.index for it in runs_taken(ports)] == list(range(len(RECORDS))), "none twice"


def test_who_takes_over_publishes_the_last_page_again_and_no_other(
    home: Home, ports: Ports
) -> None:
    batch = home.create(RECORDS, PUPPET)
    taken(ports, Station.FAN_OUT)
    dying = with_faults(ports, [Fault("queue", "publish", "before", lose_reply, nth=2)])
    with pytest.raises(EngineError):
        fan_out(dying, message(batch), never)
    assert ports.batches.get(batch.id).checkpoint.pages == 2
    fan_out(ports, message(batch), never)
    assert_paged(ports, batch)
    pages = [it for it in fan_outs_taken(ports) if isinstance(it, PageMessage)]
    assert [(it.start, it.again) for it in pages] == [
        (0, False),
        (500, True),
        (1000, False),
        (1500, False),
    ]


def test_of_two_at_once_neither_repeats_nor_skips_a_page(home: Home, ports: Ports) -> None:
    batch = home.create(RECORDS, PUPPET)
    taken(ports, Station.FAN_OUT)
    rivals = iter([True])

    def rival_goes_first() -> bool:
        """Between this one's first and second page another does all the rest."""
        if next(rivals, False):
            fan_out(ports, message(batch, published=1), never)
        return False

    fan_out(ports, message(batch), rival_goes_first)
    assert_paged(ports, batch)
    publish_pages(ports)
    assert {it.index for it in runs_taken(ports)} == set(range(len(RECORDS)))


def test_repeating_a_whole_fan_out_pages_nothing_and_asks(home: Home, ports: Ports) -> None:
    batch = fanned_out(ports, home.create(RECORDS[:3], PUPPET))
    ports.runs.settle(batch, [ok(batch, n) for n in range(3)])
    fan_out(ports, message(batch), never)
    assert fan_outs_taken(ports) == []
    assert len(finalizations_taken(ports)) == 1, "all was settled before the seal was known"


def test_after_the_seal_it_asks_for_what_was_settled_before(home: Home, ports: Ports) -> None:
    batch = home.create(RECORDS[:2], PUPPET)
    taken(ports, Station.FAN_OUT)

    def meanwhile() -> bool:
        """The page is stored, its records are settled, the seal is still to come."""
        if ports.batches.get(batch.id).checkpoint.pages:
            ports.runs.settle(batch, [ok(batch, 0), ok(batch, 1)])
        return False

    fan_out(ports, message(batch), meanwhile)
    assert len(finalizations_taken(ports)) == 1


def test_a_repeated_page_leaves_out_what_is_settled_and_marks_the_rest(
    home: Home, ports: Ports
) -> None:
    batch = home.create(RECORDS[:4], PUPPET)
    taken(ports, Station.FAN_OUT)
    fan_out(ports, message(batch), never)
    (page,) = fan_outs_taken(ports)
    assert isinstance(page, PageMessage)
    ports.runs.settle(batch, [ok(batch, 1)])
    publish_page(ports, page, attempt=2)
    assert [(it.index, it.again) for it in runs_taken(ports)] == [(0, True), (2, True), (3, True)]


def test_a_page_of_a_stopped_batch_is_not_published(home: Home, ports: Ports) -> None:
    batch = home.create(RECORDS[:4], PUPPET)
    taken(ports, Station.FAN_OUT)
    fan_out(ports, message(batch), never)
    (page,) = fan_outs_taken(ports)
    assert isinstance(page, PageMessage)
    cancel(ports, batch.id)
    publish_page(ports, page)
    assert runs_taken(ports) == []


def test_with_a_limit_no_more_is_published_than_the_limit_allows(home: Home, ports: Ports) -> None:
    batch = home.create(RECORDS, PUPPET, concurrency=7)
    taken(ports, Station.FAN_OUT)
    fan_out(ports, message(batch), never)
    assert_paged(ports, batch)
    assert fan_outs_taken(ports) == []
    assert [it.index for it in runs_taken(ports)] == list(range(7))


def test_a_release_of_a_fan_out_that_died_is_published_by_the_next(
    home: Home, ports: Ports
) -> None:
    batch = home.create(RECORDS, PUPPET, concurrency=7)
    taken(ports, Station.FAN_OUT)
    dying = with_faults(ports, [Fault("queue", "publish", "before", lose_reply)])
    with pytest.raises(EngineError):
        fan_out(dying, message(batch), never)
    assert runs_taken(ports) == []
    fan_out(ports, message(batch), never)
    assert [(it.index, it.again) for it in runs_taken(ports)] == [(n, True) for n in range(7)]
    assert ports.frontier.window(batch.id).pending == {}, "nothing is left to be repeated"


def test_a_batch_whose_source_is_gone_fails_with_the_reason(home: Home, ports: Ports) -> None:
    batch = home.create(RECORDS, PUPPET)
    ports.blobs.delete(batch.source.blob)
    fan_out(ports, message(batch), never)
    assert len(finalizations_taken(ports)) >= 1
    ended = finalized(ports, batch)
    assert ended.state is BatchState.FAILED
    assert ended.failure is not None
    assert "source could not be read" in ended.failure.message
    assert "is gone" in ended.failure.message


def test_a_batch_whose_source_is_corrupt_fails_and_keeps_its_results(
    home: Home, ports: Ports
) -> None:
    batch = home.create(RECORDS, PUPPET)
    whole = b"".join(ports.blobs.read(batch.source.blob))
    broken = whole.splitlines(keepends=True)
    broken[1200] = b"{oops\n"
    ports.blobs.write(batch.source.blob, broken)
    taken(ports, Station.FAN_OUT)

    def meanwhile() -> bool:
        ports.runs.settle(batch, [ok(batch, 3, '"kept"')])
        return False

    fan_out(ports, message(batch), meanwhile)
    ended = finalized(ports, batch)
    assert ended.state is BatchState.FAILED
    assert ended.failure is not None
    assert "test is damaged in line 1201" in ended.failure.message, "the place is named"
    assert ended.closed is not None
    assert (ended.total, ended.closed.succeeded, ended.closed.skipped) == (1000, 1, 999)
    results = list(stream_results(ports.runs, ports.batches, ports.blobs, ended))
    assert results[3].output == "kept"
    assert ended.certificate is not None
    assert ended.certificate.holds


def test_a_batch_that_is_stopped_meanwhile_takes_no_more_and_asks(home: Home, ports: Ports) -> None:
    batch = home.create(RECORDS, PUPPET)
    taken(ports, Station.FAN_OUT)

    def stopped() -> bool:
        ending = Ending(BatchState.CANCELED, "enough")
        ports.batches.amend(batch.id, lambda it: rules.stop(it, ending))
        return False

    fan_out(ports, message(batch), stopped)
    assert ports.batches.get(batch.id).state is BatchState.CANCELING
    assert ports.batches.get(batch.id).checkpoint.pages == 1
    assert len(finalizations_taken(ports)) == 1


def test_a_fan_out_of_a_stopped_batch_reads_nothing_and_asks(home: Home, ports: Ports) -> None:
    batch = home.create(RECORDS, PUPPET)
    cancel(ports, batch.id)
    finalizations_taken(ports)
    fan_out(ports, message(batch), never)
    assert ports.batches.get(batch.id).checkpoint.pages == 0
    assert len(finalizations_taken(ports)) == 1, "whoever canceled may have died before asking"


def test_a_message_of_another_generation_does_nothing(home: Home, ports: Ports) -> None:
    batch = home.create(RECORDS, PUPPET)
    fan_out(ports, message(batch, generation=2), never)
    assert ports.batches.get(batch.id) == batch
