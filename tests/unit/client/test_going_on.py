"""Streams and lists that go on: nothing is lost, nothing comes twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from fanfold.api.app import create_app
from fanfold.api.server import served
from fanfold.client import Client, TimedOut
from fanfold.client.calls import Answer, Call, Operation
from fanfold.client.lines import Lines
from fanfold.client.operations import Operations
from fanfold.client.paging import after
from fanfold.client.shapes import ENDED_BATCH
from fanfold.testing.working import work
from fanfold.wiring import Fanfold
from tests.unit.api.conftest import ByName
from tests.unit.client.conftest import ANN, VIC, Lossy

T = TypeVar("T")
#: where str.splitlines ends a line, and JSON does not
SEPARATORS = "a\u2028b\u2029c\x85d"


def ended_batch(client: Any, fanfold: Fanfold, **options: Any) -> str:
    batch_id: str = client.create_batch("shout", [{"bad": True}], **options).batch_id
    work(fanfold.ports, library=fanfold.library)
    return batch_id


class Silent(httpx.SyncByteStream, httpx.AsyncByteStream):
    """There is nothing to tell, and then the connection breaks."""

    def __iter__(self) -> Any:
        yield b": nothing new\n\n"
        raise httpx.ReadError("torn")

    async def __aiter__(self) -> Any:
        yield b": nothing new\n\n"
        raise httpx.ReadError("torn")


def test_events_of_a_batch_that_was_run_again_do_not_end_with_its_first_end(
    client: Any, fanfold: Fanfold
) -> None:
    batch_id = ended_batch(client, fanfold)
    client.retry_batch(batch_id, states=["failed"])
    work(fanfold.ports, library=fanfold.library)
    ends = [it.generation for it in client.iter_events(batch_id) if it.kind in ENDED_BATCH]
    assert ends == [1, 2]


def test_a_batch_of_which_there_is_nothing_to_tell_is_listened_to_through_any_breaks(
    client: Any, fanfold: Fanfold, lossy: Lossy
) -> None:
    batch_id = ended_batch(client, fanfold)
    lossy.instead = [httpx.Response(200, stream=Silent()) for _ in range(8)]
    assert client.iter_events(batch_id)[-1].kind == "failed"


def test_events_go_on_behind_the_last_one_that_arrived(
    client: Any, fanfold: Fanfold, lossy: Lossy
) -> None:
    batch_id = ended_batch(client, fanfold)
    whole = [it.sequence for it in client.iter_events(batch_id)]
    lossy.requests.clear()
    lossy.breaks_after = [500]
    assert [it.sequence for it in client.iter_events(batch_id)] == whole
    first, second = lossy.requests
    assert "Last-Event-ID" not in first.headers
    assert int(second.headers["Last-Event-ID"]) in whole


def test_silence_that_a_server_keeps_is_no_break(client: Any, fanfold: Fanfold) -> None:
    batch_id = ended_batch(client, fanfold)
    stream = next(client._client.operations.iter_events(batch_id))
    assert stream.patience > 15


def test_what_python_takes_for_the_end_of_a_line_is_part_of_it(
    client: Any, fanfold: Fanfold
) -> None:
    batch = client.create_batch("shout", [{"text": SEPARATORS}], label=SEPARATORS)
    work(fanfold.ports, library=fanfold.library)
    assert {it.label for it in client.iter_events(batch.batch_id)} == {SEPARATORS}
    assert [it.output for it in client.iter_results(batch.batch_id)] == [SEPARATORS.upper()]


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_lines_are_the_same_however_they_arrive(size: int) -> None:
    text = f"first {SEPARATORS}\r\n\nthird é\nrest"
    sent, lines = text.encode(), Lines()
    pieces = [sent[at : at + size] for at in range(0, len(sent), size)]
    came = [line for piece in pieces for line in lines.whole(piece)]
    assert [*came, *lines.rest()] == [f"first {SEPARATORS}", "", "third é", "rest"]


def test_a_list_goes_on_behind_a_proxy_that_serves_it_elsewhere(fanfold: Fanfold) -> None:
    app = Starlette(routes=[Mount("/its/place", create_app(fanfold, ByName()))])
    with served(app) as address, Client(f"{address}/its/place", token=ANN) as client:
        batch_id = client.create_batch("shout", [{"text": "a"}] * 1001).batch_id
        work(fanfold.ports, library=fanfold.library)
        assert [it.index for it in client.iter_jobs(batch_id)] == list(range(1001))


def test_the_next_page_is_of_the_same_list_and_server() -> None:
    asked = Call(verb="GET", path="/api/runs", query={"limit": 2})
    link = '<https://elsewhere.example.com/other?limit=2&label=&before=x>; rel="next"'
    call = after(asked, Answer(200, {"link": link}))
    assert call is not None
    assert (call.path, call.query) == ("/api/runs", {"limit": "2", "label": "", "before": "x"})


# --------------------------------------------------------------- what is repeated


def test_holding_a_batch_can_be_repeated(client: Any, lossy: Lossy) -> None:
    batch_id = client.create_batch("shout", [{"text": "a"}]).batch_id
    for hold, state in [("pause_batch", "paused"), ("resume_batch", "running")]:
        lossy.lost = 2
        assert getattr(client, hold)(batch_id).status == state
    lossy.lost = 2
    assert client.update_batch(batch_id, label="x", concurrency=3).label == "x"
    lossy.lost = 2
    assert client.cancel_batch(batch_id).status in ("canceling", "canceled")
    run_id = client.run_flow("shout", {"text": "a"}).run_id
    lossy.lost = 2
    assert client.cancel_run(run_id).run_id == run_id


def test_only_ones_own_old_runs_are_canceled(client: Any) -> None:
    client.run_flow("shout", {"text": "a"}, monitors=[VIC])
    client._client._token = VIC
    own = client.run_flow("shout", {"text": "b"})
    assert len(client.list_runs()) == 2
    assert [it.run_id for it in client.cancel_runs_older_than(-3600)] == [own.run_id]


def test_a_run_that_starts_while_it_is_canceled_is_canceled_once() -> None:
    run = {"run_id": "r", "batch_id": "b", "index": 0, "flow": "f", "single": True,
           "created_at": "2026-01-01T00:00:00Z"}  # fmt: skip
    operation = Operations().cancel_runs_older_than(60)
    asked: list[str] = []

    def answered(step: Any) -> Answer:
        asked.append(step.verb)
        found = {**run, "status": step.query.get("status", "running")}
        body = found if step.verb == "POST" else [found] if found["status"] != "waiting" else []
        return Answer(200, {}, json.dumps(body).encode())

    assert [it.run_id for it in _driven(operation, answered)] == ["r"]
    assert asked == ["GET", "POST", "GET", "GET"]


def _driven(operation: Operation[T], answered: Callable[[Any], Answer]) -> T:
    reply: Answer | None = None
    while True:
        try:
            reply = answered(operation.send(reply))
        except StopIteration as end:
            value: T = end.value
            return value


def test_who_monitors_waits_no_longer_than_they_say(client: Any, lossy: Lossy) -> None:
    run = client.run_flow("shout", {"text": "a"})
    lossy.requests.clear()
    with pytest.raises(TimedOut, match="1 of 1 runs have not ended"):
        client.monitor_runs([run.run_id], lambda *_: None, timeout=0.2)
    waited = [it.url.params["timeout"] for it in lossy.requests if it.url.path.endswith("/wait")]
    assert waited
    assert all(float(it) <= 0.2 for it in waited)
