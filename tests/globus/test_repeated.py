"""A request that the client repeats by itself starts one run; others start as many as there are."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
from globus_sdk import GlobusAPIError
from httpx import Client

from fanfold.api.globus.repeated import WINDOW, tokens_of
from tests.globus.conftest import Service, each_engine
from tests.globus.test_sdk import REPORT, SAY


@contextmanager
def losing_answers(address: str, count: int) -> Iterator[str]:
    """A proxy that hands every request on, and drops the first answers: the connection ends."""
    server = socket.create_server(("127.0.0.1", 0))
    left = [count]

    def serve() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            with client, socket.create_connection(urlsplit(address).netloc.rsplit(":", 1)) as up:  # type: ignore[arg-type]
                up.sendall(_message(client))
                answer = _message(up)
                if left[0]:
                    left[0] -= 1
                else:
                    client.sendall(answer)

    thread = Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
    finally:
        # a listening socket is closed for whoever waits at it by somebody who comes
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()


def _message(its: socket.socket) -> bytes:
    """A request or an answer, whole."""
    got = b""
    while True:
        got += its.recv(1 << 16)
        head, end, body = got.partition(b"\r\n\r\n")
        lengths = [it for it in head.lower().split(b"\r\n") if it.startswith(b"content-length:")]
        if end and len(body) >= (int(lengths[0].split(b":")[1]) if lengths else 0):
            return got


@each_engine
def test_a_run_whose_answer_is_lost_is_started_once(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)  # the client's own pauses
    with losing_answers(service.address, 3) as address:
        monkeypatch.setenv("GLOBUS_SDK_SERVICE_URL_FLOWS", f"{address}/v1/")
        run = service.flow(SAY).run_flow({"echo_string": "a"})
    assert run["repeated"] is True
    assert [it["run_id"] for it in service.flows().list_runs()] == [run["run_id"]]


def test_a_flow_whose_answer_is_lost_is_registered_once(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    with losing_answers(service.address, 2) as address:
        at_proxy = Service(service.fanfold, address)
        flow = at_proxy.flows().create_flow("Report", REPORT, {})
    mine = service.flows().list_flows(filter_roles="flow_owner")
    assert [it["id"] for it in mine] == [flow["id"]]


def test_what_differs_in_anything_is_another_run(service: Service) -> None:
    flow, other = service.flow(SAY), service.flow(SAY, "bob")
    body = {"echo_string": "a"}
    runs = [
        flow.run_flow(body),
        flow.run_flow({"echo_string": "b"}),
        flow.run_flow(body, label="x"),
        flow.run_flow(body, tags=["x"]),
        flow.run_flow(body, run_monitors=["mia"]),
        flow.run_flow(body, additional_fields={"priority": "low"}),
        other.run_flow(body),
    ]
    assert len({it["run_id"] for it in runs}) == len(runs)
    assert {it["repeated"] for it in runs} == {False}


def test_two_of_the_very_same_are_two_where_each_has_a_name(service: Service) -> None:
    flow, body = service.flow(SAY), {"echo_string": "a"}
    named = [
        flow.run_flow(body, additional_fields={"request_id": name})["run_id"] for name in "aab"
    ]
    assert (named[0] == named[1], len(set(named))) == (True, 2)
    with Client(base_url=service.address, headers={"Authorization": "Bearer ann"}) as client:
        for header in ("Idempotency-Key", "X-Request-Id"):
            answers = [
                client.post(f"/v1/flows/{SAY}/run", json={"body": body}, headers={header: name})
                for name in (f"{header}1", f"{header}1", f"{header}2")
            ]
            assert [it.status_code for it in answers] == [201, 200, 201]
            assert len({it.json()["run_id"] for it in answers}) == 2


def test_a_name_that_is_used_again_for_something_else_is_refused(service: Service) -> None:
    flow = service.flow(SAY)
    flow.run_flow({"echo_string": "a"}, additional_fields={"request_id": "x"})
    with pytest.raises(GlobusAPIError) as refused:
        flow.run_flow({"echo_string": "b"}, additional_fields={"request_id": "x"})
    assert (refused.value.http_status, refused.value.code) == (409, "STATE_CONFLICT")


@pytest.mark.parametrize("seconds", [0.0, WINDOW / 2, WINDOW - 0.001])
@pytest.mark.parametrize("moment", [0.0, WINDOW / 3, WINDOW - 0.001])
def test_a_repetition_is_known_wherever_its_windows_lie(moment: float, seconds: float) -> None:
    content: Any = {"a": 1}
    first = tokens_of(None, content, 1000 * WINDOW + moment)
    again = tokens_of(None, content, 1000 * WINDOW + moment + seconds)
    assert first.now in (again.now, again.before)
    assert again.since <= 1000 * WINDOW + moment


def test_after_the_window_it_is_another_one() -> None:
    first = tokens_of(None, {"a": 1}, 1000 * WINDOW)
    later = tokens_of(None, {"a": 1}, 1000 * WINDOW + WINDOW + 0.001)
    assert later.since > 1000 * WINDOW
    assert first.now != later.now
