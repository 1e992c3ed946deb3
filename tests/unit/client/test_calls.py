"""What both clients can be asked for, of a real API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

import fanfold.errors as home
from fanfold.client import (
    Batch,
    BatchNotFound,
    Conflict,
    FlowNotFound,
    Forbidden,
    RecordNotFound,
    Run,
    RunNotFound,
    TimedOut,
    Unauthenticated,
    ValidationFailed,
    is_conflict,
    is_forbidden,
    is_not_found,
    is_unauthenticated,
    is_validation_failed,
)
from fanfold.client.operations import Operations
from fanfold.client.patience import Patience
from fanfold.testing.clock import StillClock
from fanfold.testing.working import until, work, working
from fanfold.wiring import Fanfold
from tests.unit.client.conftest import VIC

RECORDS = [{"id": "a", "text": "ah"}, {"id": "b", "bad": True}, {"id": "c", "text": "oh"}]


def test_a_batch_from_its_start_to_its_certificate(client: Any, fanfold: Fanfold) -> None:
    batch = client.create_batch("shout", RECORDS, label="nightly", shuffle=False)
    assert (batch.status, batch.label, batch.ended) == ("pending", "nightly", False)
    seen: list[Batch] = []
    with working(fanfold.ports, library=fanfold.library):
        ended = client.wait_for_batch(batch.batch_id, timeout=60, on_progress=seen.append)
    assert (ended.status, ended.counts.succeeded, ended.counts.failed) == ("completed", 2, 1)
    assert (ended.ended, ended.ok, seen[-1]) == (True, False, ended)
    results = client.iter_results(batch.batch_id)
    assert [(it.key, it.output, it.ok) for it in results] == [
        ("a", "AH", True), ("b", None, False), ("c", "OH", True),
    ]  # fmt: skip
    assert [it.key for it in client.iter_results(batch.batch_id, start=1, stop=2)] == ["b"]
    assert [it.index for it in client.iter_jobs(batch.batch_id, status="failed")] == [1]
    job = client.get_job(batch.batch_id, "b")
    assert (job.index, job.error["message"], job.attempts) == (1, "bad record", 1)
    (group,) = client.get_errors(batch.batch_id)
    assert (group.count, ended.errors) == (1, [group])
    assert client.get_certificate(batch.batch_id).holds
    kinds = [it.kind for it in client.iter_events(batch.batch_id)]
    assert (kinds[0], kinds[-1]) == ("started", "completed")
    after = client.iter_events(batch.batch_id, after=1)
    assert [it.sequence for it in after] == list(range(2, 2 + len(after)))


def test_a_batch_is_held_changed_and_run_again(client: Any, fanfold: Fanfold) -> None:
    batch_id = client.create_batch("shout", RECORDS, concurrency=2).batch_id
    assert client.update_batch(batch_id, concurrency=3, label="x").options["concurrency"] == 3
    with working(fanfold.ports, library=fanfold.library):
        client.wait_for_batch(batch_id, timeout=60)
        retried = client.retry_batch(batch_id, states=["failed"])
        assert (retried.retried, retried.batch.generation) == (1, 2)
        client.wait_for_batch(batch_id, timeout=60)
    other = client.create_batch("shout", RECORDS).batch_id
    assert client.pause_batch(other).status == "paused"
    assert client.resume_batch(other).status == "running"
    assert client.cancel_batch(other, grace=5).status in ("paused", "canceling", "canceled")


def test_a_batch_waits_for_others_and_says_for_which(client: Any, fanfold: Fanfold) -> None:
    first = client.create_batch("shout", [{"bad": True}]).batch_id
    second = client.create_batch("shout", RECORDS, after=[first])
    assert [(it.batch_id, it.status) for it in second.waits_for] == [(first, "pending")]
    run = client.run_flow("shout", {"text": "ah"}, after=[first], after_on="end")
    other = client.create_batch("shout", RECORDS, after=[first]).batch_id
    assert client.update_batch(other, after_on="end").options["after_on"] == "end"
    work(fanfold.ports, library=fanfold.library)
    ended = client.wait_for_batch(second.batch_id, timeout=60)
    assert (ended.status, ended.ended, ended.ok, ended.waits_for) == ("skipped", True, False, [])
    assert client.get_batch(other).status == "completed"
    assert client.get_run(run.run_id).ok


def test_lists_come_page_by_page(client: Any, clock: StillClock) -> None:
    ids: list[str] = []
    for number in range(3):
        ids.insert(0, client.create_batch("shout", [1], tags=[str(number)]).batch_id)
        clock.pass_(1)
    assert [it.batch_id for it in client.list_batches(limit=2)] == ids[:2]
    assert [it.batch_id for it in client.iter_batches()] == ids
    assert [it.batch_id for it in client.iter_batches(tag="1")] == ids[1:2]
    since = client.get_batch(ids[0]).created_at
    assert [it.batch_id for it in client.list_batches(since=since)] == ids[:1]


@pytest.mark.parametrize("what", ["path", "bytes", "iterator"])
def test_a_file_bytes_or_an_iterator_is_sent_as_the_source(
    client: Any, fanfold: Fanfold, tmp_path: Path, what: str
) -> None:
    text = b'{"text": "a"}\n{"text": "b"}\n'
    (tmp_path / "r.jsonl").write_bytes(text)
    given = {"path": tmp_path / "r.jsonl", "bytes": text, "iterator": iter([text[:5], text[5:]])}
    batch = client.upload_batch("shout", given[what], shuffle=False, label="up")
    assert batch.label == "up"
    work(fanfold.ports, library=fanfold.library)
    assert [it.output for it in client.iter_results(batch.batch_id)] == ["A", "B"]
    batch = client.upload_batch("shout", b"text\nah\n", format="csv")
    work(fanfold.ports, library=fanfold.library)
    assert [it.output for it in client.iter_results(batch.batch_id)] == ["AH"]


# ----------------------------------------------------------------------- runs


def test_a_run_from_its_start_to_its_output(client: Any, fanfold: Fanfold) -> None:
    run = client.run_flow("chatty", 2, label="one", tags=["t"])
    assert (run.status, run.ended) == ("queued", False)
    assert [it.run_id for it in client.list_runs()] == [run.run_id]
    assert [it.run_id for it in client.iter_runs(label="ONE")] == [run.run_id]
    assert client.list_all_runs(tag="other") == []
    with working(fanfold.ports, library=fanfold.library):
        ended = client.wait_for_run(run.run_id, timeout=60)
    assert (ended.ok, ended.input, client.get_run(run.run_id)) == (True, 2, ended)
    log = client.list_all_run_logs(run.run_id)
    assert [it.code for it in log] == ["created", "started", "log", "log", "succeeded"]
    assert client.iter_run_logs(run.run_id) == log
    assert client.get_run_logs(run.run_id, start=2, limit=2) == log[2:4]
    changed = client.update_run(run.run_id, label=None, monitors=["bob"])
    assert (changed.label, changed.tags) == (None, ["t"])


def test_what_a_run_asks_is_told_and_answered(client: Any, fanfold: Fanfold) -> None:
    run = client.run_flow("asks", 1)
    with working(fanfold.ports, library=fanfold.library):
        until(lambda: client.get_run(run.run_id).questions)
        (asked,) = client.list_questions(run.batch_id)
        assert (asked.question, asked.answer_schema) == ("Really?", {"type": "boolean"})
        with pytest.raises(ValidationFailed, match="is not of type"):
            client.answer_run(run.run_id, "perhaps")
        assert client.answer_run(run.run_id, True).run_id == run.run_id
        until(lambda: client.get_run(run.run_id).questions)
        client.answer_run(run.run_id, 3, question="many")
        assert client.wait_for_run(run.run_id, timeout=60).output == [True, 3]


def test_changes_of_many_runs_are_told(client: Any, fanfold: Fanfold) -> None:
    inputs: list[Any] = [{"text": "a"}, {"bad": True}]
    ids = [client.run_flow("shout", it).run_id for it in inputs]
    told: list[tuple[str, str | None]] = []

    def on_change(run: Run, before: str | None) -> None:
        if before is None:
            work(fanfold.ports, library=fanfold.library)
        told.append((run.status, before))

    ended = client.monitor_runs(ids, on_change, timeout=60)
    assert [it.run_id for it in ended] == ids
    assert [it.status for it in ended] == ["succeeded", "failed"]
    assert sorted(told) == [("failed", None), ("queued", None), ("succeeded", "queued")]


def test_old_runs_are_canceled_and_young_ones_and_ended_ones_are_not(
    client: Any, fanfold: Fanfold, clock: StillClock
) -> None:
    client._client.operations = Operations(Patience(now=clock.now))
    ended = client.run_flow("shout", {"text": "a"})
    work(fanfold.ports, library=fanfold.library)
    old = client.run_flow("shout", {"text": "b"})
    clock.pass_(7200)
    young = client.run_flow("shout", {"text": "c"})
    canceled = client.cancel_runs_older_than(timedelta(hours=1))
    assert [it.run_id for it in canceled] == [old.run_id]
    work(fanfold.ports, library=fanfold.library)
    states = [client.get_run(it.run_id).status for it in (ended, old, young)]
    assert states == ["succeeded", "canceled", "succeeded"]


def test_flows_are_told(client: Any) -> None:
    names = [it.name for it in client.list_flows()]
    assert "shout" in names
    assert client.get_flow("own").has_source


def test_a_graph_and_what_its_actions_need_are_told(client: Any) -> None:
    flow = client.get_flow("tell")
    assert flow.graph["edges"][0]["target"] == "post"
    assert flow.needs.actions == ["post", "send"]
    assert [it.id for it in client.list_actions(provider="slack")] == ["post"]
    assert [it.scopes for it in client.list_providers()] == [["chat:write"]]
    assert [it.role for it in client.list_needed_roles()] == ["roles/pubsub.publisher"]


# --------------------------------------------------------------------- errors


def test_what_is_not_there_is_said_by_its_kind(client: Any) -> None:
    batch_id = client.create_batch("shout", RECORDS).batch_id
    asked: list[tuple[type[Exception], Callable[[], Any]]] = [
        (BatchNotFound, lambda: client.get_batch("batch-aaaaaaaaaaaaaaaa")),
        (RunNotFound, lambda: client.get_run("nothing like this")),
        (FlowNotFound, lambda: client.run_flow("nobody", 1)),
        (RecordNotFound, lambda: client.get_job(batch_id, "no/such key")),
    ]
    for kind, ask in asked:
        with pytest.raises(kind) as raised:
            ask()
        assert is_not_found(raised.value)
        assert isinstance(raised.value, getattr(home, kind.__name__))


def test_other_refusals_have_kinds_of_their_own(client: Any, fanfold: Fanfold) -> None:
    with pytest.raises(ValidationFailed) as wrong:
        client.create_batch("typed", [{"text": 5}, {"text": 6}])
    assert is_validation_failed(wrong.value)
    assert [it["loc"][1] for it in wrong.value.errors] == ["0", "1"]
    run = client.run_flow("shout", {"text": "a"})
    work(fanfold.ports, library=fanfold.library)
    with pytest.raises(Conflict) as late:
        client.cancel_run(run.run_id)
    assert is_conflict(late.value)
    client._client._token = None
    with pytest.raises(Unauthenticated) as nobody:
        client.list_runs()
    assert is_unauthenticated(nobody.value)
    client._client._token = VIC
    with pytest.raises(Forbidden) as forbidden:
        client.run_flow("secret", 1)
    assert is_forbidden(forbidden.value)


def test_who_does_not_wait_for_ever_is_told_how_it_was(client: Any) -> None:
    run = client.run_flow("shout", {"text": "a"})
    with pytest.raises(TimedOut) as over:
        client.wait_for_run(run.run_id, timeout=0)
    assert over.value.last.status == "queued"
    with pytest.raises(TimedOut):
        client.monitor_runs([run.run_id], lambda *_: None, timeout=0)


def test_events_are_told_as_they_come(client: Any, fanfold: Fanfold) -> None:
    batch_id = client.create_batch("shout", RECORDS).batch_id
    found: list[Any] = []
    listening = Thread(target=lambda: found.extend(client.iter_events(batch_id)))
    listening.start()
    work(fanfold.ports, library=fanfold.library)
    listening.join(60)
    assert [it.kind for it in found][-1] == "completed"
