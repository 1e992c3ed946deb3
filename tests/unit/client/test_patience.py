"""Connections that break, and servers that have no time: what starts something starts it once."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from fanfold.client import (
    Client,
    ClientError,
    RateLimited,
    Unavailable,
    ValidationFailed,
    is_retryable,
)
from fanfold.client.patience import Patience
from fanfold.testing.working import work
from fanfold.wiring import Fanfold
from tests.unit.client.conftest import Lossy


def problem(status: int, **headers: str) -> httpx.Response:
    return httpx.Response(status, headers=headers, text="<html>a proxy's page</html>")


def test_a_batch_whose_answer_is_lost_is_started_once(
    client: Any, fanfold: Fanfold, lossy: Lossy
) -> None:
    lossy.lost = 2
    batch = client.create_batch("shout", [{"text": "a"}])
    assert [it.id for it in fanfold.ports.batches.find()] == [batch.batch_id]
    keys = {it.headers["Idempotency-Key"] for it in lossy.requests}
    assert (len(lossy.requests), len(keys)) == (3, 1)
    assert client.create_batch("shout", [{"text": "a"}]).batch_id != batch.batch_id


def test_so_is_a_run_an_upload_and_what_has_a_key_of_its_own(
    client: Any, fanfold: Fanfold, lossy: Lossy
) -> None:
    lossy.lost = 1
    client.run_flow("shout", {"text": "a"})
    lossy.lost = 1
    client.upload_batch("shout", b'{"text": "a"}\n')
    lossy.lost = 1
    mine = client.create_batch("shout", [1], request_id="mine")
    assert client.create_batch("shout", [1], request_id="mine").batch_id == mine.batch_id
    assert len(fanfold.ports.batches.find()) == 3


def test_a_retry_whose_answer_is_lost_opens_one_generation(
    client: Any, fanfold: Fanfold, lossy: Lossy
) -> None:
    batch_id = client.create_batch("shout", [{"bad": True}]).batch_id
    work(fanfold.ports, library=fanfold.library)
    generation = client.get_batch(batch_id).generation
    lossy.lost = 2
    retried = client.retry_batch(batch_id, states=["failed"], generation=generation)
    assert (retried.retried, retried.batch.generation) == (1, 2)


def test_what_an_iterator_gave_is_not_sent_again(
    client: Any, fanfold: Fanfold, lossy: Lossy
) -> None:
    lossy.lost = 1
    with pytest.raises(Unavailable, match="the answer is lost"):
        client.upload_batch("shout", iter([b'{"text": "a"}\n']))
    assert len(fanfold.ports.batches.find()) == 1


def test_results_go_on_where_they_broke_off(
    client: Any, fanfold: Fanfold, lossy: Lossy, slept: list[float]
) -> None:
    batch_id = client.create_batch("shout", [{"text": "x" * 50}] * 40).batch_id
    work(fanfold.ports, library=fanfold.library)
    lossy.breaks_after = [700, 900]
    found = client.iter_results(batch_id)
    assert [it.index for it in found] == list(range(40))
    assert len(slept) == 2


def test_a_stream_that_breaks_again_and_again_is_given_up(
    client: Any, fanfold: Fanfold, lossy: Lossy
) -> None:
    batch_id = client.create_batch("shout", [{"text": "x"}]).batch_id
    work(fanfold.ports, library=fanfold.library)
    lossy.breaks_after = [1] * 20
    with pytest.raises(Unavailable, match="again and again"):
        client.iter_results(batch_id)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_who_has_no_time_is_asked_again_when_they_say(
    client: Any, lossy: Lossy, slept: list[float], status: int
) -> None:
    lossy.instead = [problem(status, **{"Retry-After": "7"}), problem(status)]
    assert client.list_flows()
    assert slept[0] == 7.0
    assert 0 <= slept[1] <= 0.4


def test_they_are_not_asked_for_ever(client: Any, lossy: Lossy, slept: list[float]) -> None:
    lossy.instead = [problem(503) for _ in range(20)]
    with pytest.raises(Unavailable) as raised:
        client.list_flows()
    assert (raised.value.status, len(slept), is_retryable(raised.value)) == (503, 5, True)
    assert "html" not in str(raised.value)
    lossy.instead = [problem(429, **{"Retry-After": "3600"})]
    with pytest.raises(RateLimited) as later:
        client.list_flows()
    assert later.value.retry_after == 3600


@pytest.mark.parametrize("status", [400, 404, 500])
def test_other_answers_are_final(client: Any, lossy: Lossy, status: int) -> None:
    lossy.instead = [problem(status)]
    with pytest.raises(ClientError):
        client.list_flows()
    assert len(lossy.requests) == 1


def test_what_is_no_api_is_said_so(client: Any, lossy: Lossy) -> None:
    page = httpx.Response(200, headers={"Content-Type": "text/html"}, text="<html>welcome</html>")
    lossy.instead = [page]
    with pytest.raises(ClientError, match=r"text/html and not JSON.*address of a Fanfold API"):
        client.list_flows()


def test_a_token_is_asked_for_anew_each_time(client: Any, lossy: Lossy) -> None:
    tokens = iter(["ann", "bob"])
    client._client._token = lambda: next(tokens)
    client.list_flows()
    client.list_flows()
    assert [it.headers["Authorization"] for it in lossy.requests] == ["Bearer ann", "Bearer bob"]


def test_pauses_grow_and_are_no_longer_than_the_longest() -> None:
    patience = Patience(uniform=lambda: 1.0)
    pauses = [patience._pause(failures) for failures in range(1, 9)]
    assert pauses[:4] == [0.2, 0.4, 0.8, 1.6]
    assert pauses[-1] == 10.0


def test_a_date_is_a_time_to_wait_for(client: Any, lossy: Lossy, slept: list[float]) -> None:
    lossy.instead = [problem(503, **{"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"})]
    client.list_flows()
    assert slept == [0.0]


def test_wrong_lines_of_an_upload_are_told(client: Any) -> None:
    with pytest.raises(ValidationFailed) as raised:
        client.upload_batch("typed", b'{"text": "a"}\n{"text": 5}\n')
    assert [it["line"] for it in raised.value.errors] == [2]


def test_what_cannot_be_sent_is_not_tried_again(client: Any, slept: list[float]) -> None:
    client._client._token = lambda: "two\nlines"
    with pytest.raises(ClientError, match="cannot be sent"):
        client.list_flows()
    assert slept == []


def test_an_address_that_is_none_is_said_so() -> None:
    with Client("fanfold.example.com") as client, pytest.raises(ClientError, match="protocol"):
        client.list_flows()
