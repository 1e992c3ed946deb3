"""Creating a batch: all of it, once, or nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.flow import FlowRef
from fanfold.domain.messages import FanOutMessage
from fanfold.domain.options import BatchOptions
from fanfold.errors import EngineError, RequestReused, SourceInvalid, UsageError
from fanfold.ports import Ports, Station
from fanfold.sources.copy import read_copy
from fanfold.sources.iterable import from_iterable
from fanfold.sources.jsonl import read_lines
from fanfold.sources.line import Line
from fanfold.steps.create_batch import BatchRequest, create_batch
from fanfold.steps.pause import pause, resume
from fanfold.testing.faults import Fault, lose_reply, with_faults
from fanfold.testing.stations import fan_outs_taken, fanned_out

REQUEST = BatchRequest(
    FlowRef("puppet", "1", "fanfold.testing.puppet:puppet"), BatchOptions(), "records.jsonl"
)
RECORDS: list[Any] = [{"id": "a"}, {"id": "b"}, {"id": "c"}]


def create(ports: Ports, request: BatchRequest = REQUEST, records: list[Any] = RECORDS) -> Batch:
    return create_batch(ports, request, lambda: from_iterable(records, name="records.jsonl"))


@pytest.fixture
def blobs(tmp_path: Path) -> Path:
    return tmp_path / "home" / "blobs"


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def assert_nothing_is_left(ports: Ports, blobs: Path) -> None:
    assert ports.batches.find() == []
    assert files(blobs) == []
    assert [ports.queue.backlog(station) for station in Station] == [0, 0, 0, 0]


def test_a_created_batch_is_pending_with_its_source_copied_and_one_message_out(
    ports: Ports,
) -> None:
    batch = create(ports)
    assert batch.state is BatchState.PENDING
    assert ports.batches.get(batch.id) == batch
    assert fan_outs_taken(ports) == [FanOutMessage(batch_id=batch.id)]
    stored = read_copy(ports.blobs.read(batch.source.blob), name="copy")
    assert [json.loads(it.body) for it in stored] == RECORDS


def test_two_requests_without_an_id_are_two_batches(ports: Ports) -> None:
    assert create(ports).id != create(ports).id


def test_the_same_request_id_is_the_same_batch_and_starts_nothing_anew(
    ports: Ports, blobs: Path
) -> None:
    request = replace(REQUEST, request_id="order-66")
    first = create(ports, request)
    fanned_out(ports, first)
    again = create(ports, request)
    assert again.id == first.id
    assert again.state is BatchState.RUNNING
    assert fan_outs_taken(ports) == []
    assert len(files(blobs)) == 1


def test_one_that_was_never_published_is_by_the_same_request_though_paused_and_resumed(
    ports: Ports,
) -> None:
    request = replace(REQUEST, request_id="order-66")
    first = create(ports, request)
    assert len(fan_outs_taken(ports)) == 1  # and lost
    pause(ports, first.id)
    assert resume(ports, first.id).state is BatchState.RUNNING
    create(ports, request)
    assert fan_outs_taken(ports) == [FanOutMessage(batch_id=first.id)]


def test_the_same_request_id_of_another_principal_is_another_batch(ports: Ports) -> None:
    request = replace(REQUEST, request_id="order-66")
    assert create(ports, request).id != create(ports, replace(request, principal="eve")).id


@pytest.mark.parametrize(
    "change",
    [
        {"options": BatchOptions(concurrency=3)},
        {"source_name": "others.jsonl"},
        {"flow": FlowRef("another", "1", "a:b")},
    ],
    ids=["options", "source", "flow"],
)
def test_a_request_id_cannot_be_used_for_something_else(
    ports: Ports, blobs: Path, change: dict[str, Any]
) -> None:
    request = replace(REQUEST, request_id="order-66")
    first = create(ports, request)
    with pytest.raises(RequestReused, match=first.id):
        create(ports, replace(request, **change))
    assert ports.batches.find() == [first]
    assert len(files(blobs)) == 1


def test_a_newer_version_of_the_same_flow_is_the_same_request(ports: Ports) -> None:
    request = replace(REQUEST, request_id="order-66")
    first = create(ports, request)
    newer = replace(request, flow=replace(request.flow, version="2"))
    assert create(ports, newer).id == first.id


def test_of_two_same_requests_at_once_one_wins_and_the_other_s_copy_is_deleted(
    ports: Ports, blobs: Path
) -> None:
    request = replace(REQUEST, request_id="order-66")
    rival: list[Batch] = []

    def meanwhile() -> Iterator[Line]:
        """The rival is through before this one's source is read."""
        rival.append(create(ports, request))
        yield from from_iterable(RECORDS, name="records.jsonl")

    mine = create_batch(ports, request, meanwhile)
    assert mine == rival[0]
    assert files(blobs) == [blobs / mine.source.blob]
    assert ports.batches.find() == [mine]


def test_of_two_different_requests_at_once_under_one_id_the_loser_is_told(
    ports: Ports, blobs: Path
) -> None:
    request = replace(REQUEST, request_id="order-66")

    def meanwhile() -> Iterator[Line]:
        create(ports, replace(request, options=BatchOptions(concurrency=1)))
        yield from from_iterable(RECORDS, name="records.jsonl")

    with pytest.raises(RequestReused):
        create_batch(ports, request, meanwhile)
    assert len(files(blobs)) == 1


def test_a_record_that_fails_its_check_is_named_and_nothing_is_left(
    ports: Ports, blobs: Path
) -> None:
    def check(data: Any) -> None:
        if data["id"] == "b":
            raise UsageError("text: field required")

    with pytest.raises(SourceInvalid, match=r"record 1.*text: field required"):
        create_batch(
            ports, REQUEST, lambda: from_iterable(RECORDS, name="records.jsonl"), check=check
        )
    assert_nothing_is_left(ports, blobs)


def test_a_malformed_line_is_named_and_nothing_is_left_however_late_it_comes(
    ports: Ports, blobs: Path
) -> None:
    lines = b'{"n":1}\n' * 100_000 + b"{oops}\n"
    with pytest.raises(SourceInvalid, match=r"records\.jsonl:100001"):
        create_batch(ports, REQUEST, lambda: read_lines([lines], name="records.jsonl"))
    assert_nothing_is_left(ports, blobs)


def test_a_batch_whose_message_did_not_get_out_is_started_by_the_same_request(
    ports: Ports, blobs: Path
) -> None:
    request = replace(REQUEST, request_id="order-66")
    broken = with_faults(ports, [Fault("queue", "publish", "before", lose_reply)])
    with pytest.raises(EngineError):
        create(broken, request)
    assert ports.queue.backlog(Station.FAN_OUT) == 0
    batch = create(ports, request)
    assert fan_outs_taken(ports) == [FanOutMessage(batch_id=batch.id)]
    assert len(files(blobs)) == 1


def test_only_the_first_records_are_taken_where_so_many_were_asked_for(ports: Ports) -> None:
    def endless() -> Iterator[dict[str, int]]:
        number = 0
        while True:
            yield {"n": number}
            number += 1

    request = replace(REQUEST, options=BatchOptions(max_records=7))
    batch = create_batch(ports, request, lambda: from_iterable(endless(), name="endless"))
    assert fanned_out(ports, batch).total == 7


def test_progress_is_told_with_the_number_of_records_at_the_end(ports: Ports) -> None:
    told: list[int] = []
    create_batch(ports, REQUEST, lambda: from_iterable(RECORDS, name="it"), on_progress=told.append)
    assert told[-1] == 3


def test_options_of_the_source_are_applied_before_records_are_checked(ports: Ports) -> None:
    seen: list[Any] = []
    options = BatchOptions(select={"id": "id", "all": "."}, unique_keys=True)
    batch = create_batch(
        ports,
        replace(REQUEST, options=options, source_version="generation 17"),
        lambda: from_iterable(RECORDS, name="records.jsonl"),
        check=seen.append,
    )
    assert seen == [{"id": it["id"], "all": it} for it in RECORDS]
    assert batch.source.version == "generation 17"


def test_a_repeated_key_stores_nothing_where_keys_are_unique(ports: Ports, blobs: Path) -> None:
    request = replace(REQUEST, options=BatchOptions(unique_keys=True))
    with pytest.raises(SourceInvalid, match="the key 'a' is that of"):
        create(ports, request, [{"id": "a"}, {"id": "a"}])
    assert_nothing_is_left(ports, blobs)
