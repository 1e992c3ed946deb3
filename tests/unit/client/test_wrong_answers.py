"""Answers of somebody else: a proxy, a login page, another service. All are a ClientError, and none
of what they say is told."""

from __future__ import annotations

import pickle
from typing import Any

import httpx
import pytest

from fanfold.client import BatchNotFound, ClientError, TimedOut
from tests.unit.client.conftest import Lossy

CALLS: dict[str, tuple[str, ...]] = {
    "list_flows": (),
    "list_batches": (),
    "get_batch": ("batch-a",),
    "get_errors": ("batch-a",),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("body", ['{"private": 1}', '["private"]', '"private"', "null"])
def test_json_of_another_kind_is_said_to_be_that(
    client: Any, lossy: Lossy, call: str, body: str
) -> None:
    lossy.instead = [httpx.Response(200, text=body)]
    with pytest.raises(ClientError, match="address of a Fanfold API") as raised:
        getattr(client, call)(*CALLS[call])
    assert "private" not in str(raised.value)


@pytest.mark.parametrize("stream", ["iter_results", "iter_events"])
def test_a_page_where_lines_are_expected_is_said_to_be_that(
    client: Any, lossy: Lossy, stream: str
) -> None:
    lossy.instead = [httpx.Response(200, text="data: <html>private</html>\n")]
    with pytest.raises(ClientError, match="is no JSON") as raised:
        getattr(client, stream)("batch-a")
    assert "private" not in str(raised.value)


@pytest.mark.parametrize("call", ["iter_results", "iter_events", "iter_jobs", "get_batch"])
def test_who_is_led_elsewhere_is_not_told_that_there_is_nothing(
    client: Any, lossy: Lossy, call: str
) -> None:
    lossy.instead = [httpx.Response(302, headers={"Location": "https://login.example.com"})]
    with pytest.raises(ClientError, match=r"leads elsewhere \(302\)") as raised:
        getattr(client, call)("batch-a")
    assert raised.value.status == 302


def test_a_key_that_no_header_can_carry_is_said_so(client: Any, lossy: Lossy) -> None:
    with pytest.raises(ClientError, match="cannot be sent"):
        client.create_batch("shout", [1], request_id="Süd")
    assert lossy.requests == []


def test_an_answer_that_cannot_be_unpacked_is_asked_for_again(client: Any, lossy: Lossy) -> None:
    garbled = httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=_Garbled())
    lossy.instead = [garbled]
    assert client.list_flows()
    assert len(lossy.requests) == 2


class _Garbled(httpx.SyncByteStream, httpx.AsyncByteStream):
    def __iter__(self) -> Any:
        yield b"no gzip"

    async def __aiter__(self) -> Any:
        yield b"no gzip"


@pytest.mark.parametrize(
    "error", [TimedOut("late", {"run": 1}), BatchNotFound("none", status=404, code="c")]
)
def test_errors_go_from_process_to_process(error: ClientError) -> None:
    came = pickle.loads(pickle.dumps(error))  # noqa: S301  it is our own
    assert (type(came), str(came), vars(came)) == (type(error), str(error), vars(error))
