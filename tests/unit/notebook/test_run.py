"""run_batch: a function, an iterable, and the results."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from fanfold import Context, Fatal, flow, resume_batch, run_batch, run_batch_async
from fanfold.cli.main import main
from fanfold.domain.batch import BatchState
from fanfold.domain.flow import IN_MEMORY
from fanfold.engines.embedded.engine import embedded_engine
from fanfold.errors import (
    FlowInvalid,
    FlowNotFound,
    OptionInvalid,
    RequestReused,
    SettingsInvalid,
    SourceInvalid,
)
from fanfold.notebook import Progress
from fanfold.notebook.order import CalledByImport
from fanfold.ports import Ports, Station
from fanfold.steps.stop import cancel
from fanfold.testing.puppet import marks, puppet
from fanfold.testing.working import until, work, working


def doubling() -> Any:
    """As it is made in a notebook's cell: no module has it under a name."""

    @flow(id="double", retries=0)
    def double(record: Any) -> Any:
        return record * 2

    return double


def most_at_once(log: Path) -> int:
    running = most = 0
    for mark in marks(log):
        running += 1 if mark.what == "start" else -1
        most = max(most, running)
    return most


# ------------------------------------------------------------------ what goes in


def test_a_list_s_outputs_come_back_in_its_order() -> None:
    done = run_batch(doubling(), [3, 1, 2])
    assert done.outputs == [6, 2, 4]
    assert done.state is BatchState.COMPLETED


def test_a_generator_is_read_once_and_nothing_behind_max_records() -> None:
    read: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(1000):
            read.append(number)
            yield number

    assert run_batch(doubling(), numbers(), max_records=3).outputs == [0, 2, 4]
    assert read == [0, 1, 2]


def test_a_file_is_a_source_as_for_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "records.jsonl"
    file.write_text("1\n2\n")
    assert run_batch(doubling(), str(file)).outputs == [2, 4]
    assert run_batch(doubling(), file).outputs == [2, 4]


def test_without_records_the_flow_s_own_source_gives_them() -> None:
    @flow(source=lambda: iter([5, 6]))
    def same(record: int) -> int:
        return record

    assert run_batch(same).outputs == [5, 6]


def test_neither_records_nor_a_source_is_refused_with_the_remedy() -> None:
    with pytest.raises(SourceInvalid, match=r"run_batch\(double, \[\.\.\.\]\)"):
        run_batch(doubling())


def test_no_records_complete_at_once() -> None:
    done = run_batch(doubling(), [])
    assert (done.state, done.outputs, len(done)) == (BatchState.COMPLETED, [], 0)
    done.raise_for_failures()


def test_a_generator_that_raises_is_told_as_such_and_nothing_is_stored(ports: Ports) -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise KeyError("second")

    with pytest.raises(SourceInvalid, match="KeyError before item 1"):
        run_batch(doubling(), broken())
    assert ports.batches.find() == []


def test_a_record_that_does_not_fit_the_flow_is_refused_before_anything_runs(ports: Ports) -> None:
    @flow
    def count(record: int) -> int:
        return record

    with pytest.raises(SourceInvalid, match="record 1"):
        run_batch(count, [1, "one"])
    assert ports.batches.find() == []


def test_a_place_is_a_flow_too(tmp_path: Path) -> None:
    file = tmp_path / "flows.py"
    file.write_text(
        "from fanfold import flow\n@flow\ndef shout(record):\n    return record.upper()\n"
    )
    assert run_batch(f"{file}:shout", ["a"]).outputs == ["A"]


def test_a_plain_function_is_told_to_be_decorated() -> None:
    with pytest.raises(FlowInvalid, match="len is no flow"):
        run_batch(len, [1])  # type: ignore[arg-type]


def test_any_option_of_a_batch_is_taken_by_name_and_no_other(ports: Ports) -> None:
    done = run_batch(doubling(), [1], label="mine", tags=["x"], timeout=5.0, parameters={"a": 1})
    options = ports.batches.get(done.batch_id).options
    assert (options.label, options.tags, options.timeout) == ("mine", ["x"], 5.0)
    with pytest.raises(OptionInvalid, match="no option 'concurency'; there are: concurrency"):
        run_batch(doubling(), [1], concurency=2)
    with pytest.raises(OptionInvalid, match="threads must be a number"):
        run_batch(doubling(), [1], threads=0)


def test_an_engine_that_does_not_work_in_this_process_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FANFOLD_ENGINE", "google")
    with pytest.raises(SettingsInvalid, match="FANFOLD_ENGINE is google"):
        run_batch(doubling(), [1])
    assert run_batch(doubling(), [1], home=tmp_path / "own").outputs == [2]


# ------------------------------------------------------------------ what comes out


def test_failures_keep_their_place_and_take_nobody_s_result_with_them() -> None:
    records = [{"do": "return", "value": n} for n in range(4)]
    records[1] = {"do": "permanent", "message": "bad"}
    done = run_batch(puppet, records)
    assert done.outputs == [0, None, 2, 3]
    assert done[1].error == {"type": "Permanent", "message": "bad"}
    assert done.state is BatchState.COMPLETED


def test_the_fold_s_output_is_there() -> None:
    @flow(fold=lambda results: sum(result.output for result in results))
    def same(record: int) -> int:
        return record

    assert run_batch(same, range(10)).output == 45


def test_fatal_ends_the_batch_and_the_rest_is_skipped() -> None:
    @flow(id="fatal")
    def fatal(record: int) -> int:
        if record == 0:
            raise Fatal("no more money")
        return record

    done = run_batch(fatal, range(500), threads=1, concurrency=1)
    assert done.state is BatchState.FAILED
    assert done[0].error == {"type": "Fatal", "message": "no more money"}
    assert done.statistics.counts.skipped == 499


def test_an_async_flow_runs_also_where_a_loop_is_running() -> None:
    @flow(id="waiting")
    async def waiting(record: int) -> int:
        await asyncio.sleep(0)
        return record

    async def cell() -> list[Any]:
        return run_batch(waiting, [1, 2]).outputs

    assert asyncio.run(cell()) == [1, 2]


def test_the_command_line_s_home_has_it(ports: Ports) -> None:
    done = run_batch(doubling(), [1])
    (batch,) = ports.batches.find()
    assert (batch.id, batch.flow.name, batch.source.name) == (done.batch_id, "double", "records")


def test_another_home_has_it_instead(tmp_path: Path, home: Path) -> None:
    run_batch(doubling(), [1], home=tmp_path / "other")
    assert (tmp_path / "other" / "fanfold.db").exists()
    assert not home.exists()


def test_the_same_request_is_the_same_batch() -> None:
    ran: list[int] = []

    @flow(id="once")
    def once(record: int) -> int:
        ran.append(record)
        return record

    first, second = (run_batch(once, [1, 2], request_id="monday") for _ in range(2))
    assert first.batch_id == second.batch_id
    assert second.outputs == [1, 2]
    assert sorted(ran) == [1, 2]
    with pytest.raises(RequestReused):
        run_batch(once, [1, 2], request_id="monday", label="another")


# ------------------------------------------------------------------ how it goes


def test_the_limit_is_kept_and_reached(tmp_path: Path) -> None:
    log = tmp_path / "log"
    records = [{"do": "sleep", "seconds": 0.02, "log": str(log)} for _ in range(30)]
    run_batch(puppet, records, concurrency=3, threads=8)
    assert most_at_once(log) == 3


def test_the_rate_is_kept() -> None:
    done = run_batch(doubling(), range(20), rate="2400/min")
    batch = done.status.batch
    assert done.outputs == [it * 2 for it in range(20)]
    assert (batch.options.rate, batch.options.concurrency) == ("2400/min", 800)
    assert batch.closed_at is not None
    assert batch.closed_at >= batch.created_at + 19 / 40 - 0.002


def test_threads_are_how_many_run_at_once(tmp_path: Path) -> None:
    log = tmp_path / "log"
    records = [{"do": "sleep", "seconds": 0.02, "log": str(log)} for _ in range(20)]
    run_batch(puppet, records, threads=2)
    assert most_at_once(log) == 2


def test_progress_is_conserved_grows_and_ends_with_the_end() -> None:
    told: list[Progress] = []
    where: list[Thread] = []

    def tell(progress: Progress) -> None:
        told.append(progress)
        where.append(threading.current_thread())

    run_batch(puppet, [{"do": "sleep", "seconds": 0.05}] * 20, threads=2, on_progress=tell)
    for it in told:
        counts = it.counts
        parts = counts.queued, counts.running, counts.waiting, counts.succeeded, counts.failed
        assert sum(parts) + counts.canceled + counts.skipped == counts.total
    settled = [it.counts.settled for it in told]
    assert settled == sorted(settled)
    assert [it.ended for it in told] == [False] * (len(told) - 1) + [True]
    assert told[-1].counts.succeeded == 20
    assert set(where) == {threading.current_thread()}


def test_progress_is_told_at_most_ten_times_a_second_and_at_the_end() -> None:
    told: list[Progress] = []
    done = run_batch(
        puppet, [{"do": "sleep", "seconds": 0.05}] * 12, threads=1, on_progress=told.append
    )
    assert 2 <= len(told) <= done.status.seconds * 10 + 2


def test_the_end_is_told_also_when_it_comes_at_once() -> None:
    for _ in range(5):
        told: list[Progress] = []
        run_batch(doubling(), [1], on_progress=told.append)
        assert told[-1].ended


def test_what_on_progress_raises_drains_the_batch_which_is_kept(ports: Ports) -> None:
    def refuse(progress: Progress) -> None:
        if progress.counts.settled:
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough") as raised:
        run_batch(puppet, [{"do": "sleep", "seconds": 0.02}] * 200, threads=2, on_progress=refuse)
    (batch,) = ports.batches.find()
    assert f"resume_batch('{batch.id}')" in raised.value.__notes__[0]
    tally = ports.runs.tally(batch.id)
    assert batch.is_open
    assert 0 < tally.settled < 200
    assert ports.leases.running(batch.id, ports.clock.now()) == 0  # all has been given back
    done = resume_batch(batch.id)
    assert done.outputs == ["ok"] * 200


def test_a_batch_that_others_cancel_ends_here_too(ports: Ports) -> None:
    def tell(progress: Progress) -> None:
        if progress.counts.settled == 1:
            cancel(ports, progress.batch_id)

    records = [{"do": "ok"}, *[{"do": "cancelable", "seconds": 30}] * 3]
    done = run_batch(puppet, records, on_progress=tell, threads=1)
    assert done.state is BatchState.CANCELED
    assert done.statistics.counts.canceled > 0


def test_many_calls_leave_no_thread_and_no_open_file() -> None:
    double = doubling()
    run_batch(double, [1])
    threads = threading.active_count()
    files = len(list(Path("/dev/fd").iterdir()))
    for _ in range(10):
        assert run_batch(double, [1, 2]).outputs == [2, 4]
    assert threading.active_count() == threads
    assert len(list(Path("/dev/fd").iterdir())) <= files


# ------------------------------------------------------------------ flows that are in no file


def test_a_flow_of_a_notebook_is_remembered_as_in_memory(ports: Ports) -> None:
    done = run_batch(doubling(), [1])
    assert ports.batches.get(done.batch_id).flow.place == f"{IN_MEMORY}double"


def test_a_flow_of_a_notebook_cannot_ask_for_a_process_of_its_own(ports: Ports) -> None:
    apart = flow(isolation="process")(doubling().fn)
    with pytest.raises(FlowInvalid, match="flow double: no child process finds"):
        run_batch(apart, [1])
    assert ports.batches.find() == []


def test_two_flows_of_one_name_at_the_same_time_do_not_get_each_other_s_records() -> None:
    @flow(id="same")
    def first(record: int) -> str:
        return f"first {record}"

    @flow(id="same")
    def second(record: int) -> str:
        return f"second {record}"

    outputs: dict[str, list[Any]] = {}

    def run(name: str, it: Any) -> None:
        outputs[name] = run_batch(it, range(300), concurrency=5).outputs

    both = [Thread(target=run, args=("first", first)), Thread(target=run, args=("second", second))]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    for name in ("first", "second"):
        assert outputs[name] == [f"{name} {n}" for n in range(300)]


def test_a_worker_that_cannot_find_the_flow_leaves_it_alone(ports: Ports) -> None:
    """It is hungry, at the same home, all the time; it may fan out, and nothing else."""
    deliveries: list[int] = []

    @flow(id="mine", fold=lambda results: [result.output for result in results])
    def mine(record: int, ctx: Context) -> int:
        deliveries.append(ctx.attempt)
        return record

    with working(ports, threads=8):
        done = run_batch(mine, range(400), threads=2)
    assert done.output == list(range(400))
    assert deliveries == [1] * 400


def test_a_worker_beside_does_not_wear_out_what_was_interrupted(ports: Ports) -> None:
    batch_id = _interrupted(slow := _slow())
    other = run_batch(doubling(), [1])  # works beside it, and on nothing else
    assert other.outputs == [2]
    assert ports.queue.pull(Station.RUNS, 100) == []  # as somebody who cannot find the flow
    assert resume_batch(batch_id, slow).outputs == list(range(50))


def test_an_interrupted_one_goes_on_only_with_its_flow(ports: Ports) -> None:
    batch_id = _interrupted(slow := _slow())
    with pytest.raises(FlowNotFound, match="resume_batch"):
        resume_batch(batch_id)
    with pytest.raises(FlowInvalid, match="a batch of flow slow, not of double"):
        resume_batch(batch_id, doubling())
    assert ports.batches.get(batch_id).is_open
    assert resume_batch(batch_id, slow).outputs == list(range(50))


def test_a_worker_that_works_until_idle_does_not_wait_for_an_interrupted_one(ports: Ports) -> None:
    batch_id = _interrupted(_slow())
    work(ports)
    assert ports.batches.get(batch_id).is_open


def test_the_command_line_says_where_it_can_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    batch_id = _interrupted(_slow())
    assert main(["attach", batch_id]) == 2
    assert "made in a notebook or a script" in capsys.readouterr().err


def test_a_record_delivered_for_the_third_time_runs_here_when_no_child_can_find_its_flow(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What was given back twice before its turn is innocent, and is not failed for it."""
    pids: list[int] = []

    @flow(id="slow")
    def slow(record: int) -> int:
        Event().wait(0.01)
        pids.append(os.getpid())
        return record

    batch_id = _interrupted(slow)
    with embedded_engine(home, only=batch_id) as ports:
        for _ in range(2):
            ports.queue.release(ports.queue.pull(Station.RUNS, 100))
    with caplog.at_level("WARNING", "fanfold"):
        done = resume_batch(batch_id, slow)
    assert done.outputs == list(range(50))
    assert "in no file, so it runs here" in caplog.text
    assert set(pids) == {os.getpid()}


def test_resuming_what_has_ended_only_reads_it() -> None:
    done = run_batch(doubling(), [1])
    again = resume_batch(done.batch_id)
    assert (again.outputs, again.batch_id) == ([2], done.batch_id)


def test_a_batch_is_not_run_by_an_import(tmp_path: Path) -> None:
    file = tmp_path / "flows.py"
    file.write_text(
        "from fanfold import flow, run_batch\n"
        "@flow\ndef shout(record):\n    return record\n"
        "run_batch(shout, [1])\n"
    )
    with pytest.raises(FlowInvalid, match=CalledByImport.__name__):
        run_batch(f"{file}:shout", [1])


class _Enough(Exception):
    pass


def _enough_at(settled: int) -> Any:
    def tell(progress: Progress) -> None:
        if progress.counts.settled >= settled:
            raise _Enough

    return tell


def _slow() -> Any:
    @flow(id="slow")
    def slow(record: int) -> int:
        Event().wait(0.01)
        return record

    return slow


def _interrupted(it: Any) -> str:
    """The id of a batch of fifty that was stopped on its way."""
    ids: list[str] = []

    def tell(progress: Progress) -> None:
        ids.append(progress.batch_id)
        _enough_at(1)(progress)

    with pytest.raises(_Enough):
        run_batch(it, range(50), threads=2, on_progress=tell)
    return ids[0]


# ------------------------------------------------------------------ awaited


def test_it_can_be_awaited() -> None:
    done = asyncio.run(run_batch_async(doubling(), [1, 2]))
    assert done.outputs == [2, 4]


def test_canceling_who_waits_drains_the_batch_which_is_kept(ports: Ports, tmp_path: Path) -> None:
    log = tmp_path / "log"
    records = [{"do": "sleep", "seconds": 0.02, "log": str(log)} for _ in range(200)]

    async def cell() -> None:
        task = asyncio.ensure_future(run_batch_async(puppet, records, threads=2))
        await asyncio.to_thread(until, lambda: marks(log))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cell())
    (batch,) = ports.batches.find()
    assert batch.is_open
    starts = sum(mark.what == "start" for mark in marks(log))
    assert starts == sum(mark.what == "end" for mark in marks(log)) < 200
    assert resume_batch(batch.id).outputs == ["ok"] * 200


def test_what_one_record_does_to_its_parameters_no_other_sees() -> None:
    @flow(id="greedy")
    def greedy(record: Any, ctx: Context) -> int:
        ctx.parameters["seen"]["by"].append(record)
        return len(ctx.parameters["seen"]["by"])

    done = run_batch(greedy, [1, 2, 3], parameters={"seen": {"by": []}}, threads=1)
    assert done.outputs == [1, 1, 1]
