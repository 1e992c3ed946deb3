"""Each test waits for a process to die, to answer or to write a file, never for time to pass."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from fanfold import flow
from fanfold.domain.outcome import (
    Attempt,
    Blame,
    Died,
    Interrupted,
    Raised,
    Returned,
    TimedOut,
)
from fanfold.execution.call import Call
from fanfold.execution.context import Cancellation
from fanfold.execution.isolation import Isolation, IsolationClosed
from fanfold.execution.library import Library
from fanfold.testing.puppet import async_puppet, marks, puppet

Write = Callable[[str, str], Path]
MakeCall = Callable[..., Call]
Run = Callable[..., Attempt]
PATIENCE = 60.0


@pytest.fixture(scope="module")
def shared() -> Iterator[Isolation]:
    """One child for all tests that do not harm it."""
    with Isolation() as isolation:
        yield isolation


@pytest.fixture
def own() -> Iterator[Isolation]:
    with Isolation() as isolation:
        yield isolation


@pytest.fixture
def run(shared: Isolation, make_call: MakeCall) -> Run:
    def alone(record: Any, flow: Any = puppet, isolation: Isolation = shared, **call: Any) -> Any:
        return isolation.run(make_call(flow, record, **call))[0]

    return alone


def pid_of(isolation: Isolation, make_call: MakeCall, log: Path) -> int:
    """Of the process that runs a record."""
    attempt, _ = isolation.run(make_call(puppet, {"do": "ok", "log": str(log)}))
    assert attempt == Returned('"ok"')
    return marks(log)[-1].pid


def wait_for(path: Path) -> None:
    """Until a process has written something there."""
    pause = Event()
    while not (path.exists() and path.read_text(encoding="utf-8")):
        pause.wait(0.005)


def wait_for_the_end_of(pid: int) -> None:
    pause = Event()
    while Path(f"/proc/{pid}").exists() and "(zombie)" not in state_of(pid):
        pause.wait(0.005)


def state_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except FileNotFoundError:
        return "(zombie)"


def list_of_files() -> list[str]:
    return sorted(file.name for file in Path("/proc/self/fd").iterdir())


needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no /proc here")


# ---------------------------------------------------------------- what comes back


def test_a_record_runs_in_another_process_and_its_result_comes_back(
    shared: Isolation, make_call: MakeCall, tmp_path: Path
) -> None:
    assert pid_of(shared, make_call, tmp_path / "log") != os.getpid()
    attempt, seconds = shared.run(make_call(puppet, {"do": "return", "value": {"a": ["ü"]}}))
    assert attempt == Returned('{"a":["\\u00fc"]}')
    assert seconds > 0


def test_an_async_flow_runs_alone_too(run: Run) -> None:
    assert run({"do": "ok"}, async_puppet) == Returned('"ok"')


def test_a_large_record_and_a_large_result_get_through(run: Run) -> None:
    record = {"text": "x" * 500_000}
    attempt = run(record)
    assert isinstance(attempt, Returned)
    assert len(attempt.output) == len('{"text":""}') + 500_000


def test_what_the_flow_raised_comes_back_whole(run: Run) -> None:
    attempt = run({"do": "retryable", "message": "later", "after": 5})
    assert isinstance(attempt, Raised)
    assert attempt.after == 5.0
    assert (attempt.failure.type, attempt.failure.message) == ("Retryable", "later")
    assert attempt.failure.blame is Blame.ERROR
    assert "puppet.py" in str(attempt.failure.traceback)


def test_the_context_is_the_same_on_both_sides(
    shared: Isolation, make_call: MakeCall, write: Write
) -> None:
    write("flows.py", CONTEXT)
    flow = Library().find("flows.py:tell").flow
    call = make_call(flow, None, attempt=3)
    assert shared.run(call)[0] == Returned(
        '["batch-aaaaaaaaaaaaaaaa","run",7,"seven",3,{"model":"small"}]'
    )


def test_the_log_comes_back(shared: Isolation, make_call: MakeCall) -> None:
    call = make_call(puppet, {"do": "log", "messages": ["a", "b"]})
    shared.run(call)
    assert [(entry.level, entry.message) for entry in call.context.entries] == [
        ("info", "a"),
        ("info", "b"),
    ]


def test_what_becomes_of_a_graph_s_nodes_comes_back(
    shared: Isolation, make_call: MakeCall, write: Write
) -> None:
    write("graphs.py", GRAPH)
    call = make_call(Library().find("graphs.py:two").flow, 2)
    call.context.tells = True
    assert shared.run(call)[0] == Returned("4")
    assert [entry.code for entry in call.context.entries] == 2 * ["node_started", "node_succeeded"]


def test_the_last_words_of_a_record_that_kills_its_process_are_not_lost(
    own: Isolation, make_call: MakeCall, write: Write, capfd: pytest.CaptureFixture[str]
) -> None:
    write("flows.py", LAST_WORDS)
    call = make_call(Library().find("flows.py:f").flow)
    assert own.run(call)[0] == Died("exited with code 9")
    assert [entry.message for entry in call.context.entries] == ["my last words"]
    assert "printed as well" in capfd.readouterr().err


def test_what_a_record_has_spent_that_kills_its_process_is_counted(
    own: Isolation, make_call: MakeCall, write: Write
) -> None:
    write("flows.py", LAST_SPENDING)
    call = make_call(Library().find("flows.py:f").flow)
    assert own.run(call)[0] == Died("exited with code 9")
    assert call.context.spent == 250_000_000


def test_what_an_earlier_record_left_running_logs_into_no_other(
    own: Isolation, make_call: MakeCall, write: Write
) -> None:
    write("flows.py", LATE_LOG)
    flow = Library().find("flows.py:f").flow
    own.run(make_call(flow, "start"))
    call = make_call(flow, "wait")
    assert own.run(call)[0] == Returned("null")
    assert call.context.entries == []


# ---------------------------------------------------------------- deaths


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"do": "kill"}, "killed by SIGKILL"),
        ({"do": "exit", "code": 3}, "exited with code 3"),
        ({"do": "exit", "code": 0}, "exited with code 0"),
    ],
)
def test_a_record_that_kills_its_process_dies_alone(
    shared: Isolation, make_call: MakeCall, run: Run, record: Any, reason: str
) -> None:
    attempt, seconds = shared.run(make_call(puppet, record))
    assert attempt == Died(reason)
    assert seconds > 0
    assert run({"do": "ok"}) == Returned('"ok"'), "the next record gets a new process"


def test_sys_exit_is_the_flows_failure_and_no_death(run: Run, write: Write) -> None:
    write("flows.py", "import sys\nfrom fanfold import flow\n@flow\ndef f(r): sys.exit(4)\n")
    attempt = run(None, Library().find("flows.py:f").flow)
    assert isinstance(attempt, Raised)
    assert attempt.failure.blame is Blame.PERMANENT


def test_a_warm_process_is_used_again(
    shared: Isolation, make_call: MakeCall, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    assert pid_of(shared, make_call, log) == pid_of(shared, make_call, log)


def test_a_process_that_died_idle_is_replaced_and_blamed_on_nobody(
    own: Isolation, make_call: MakeCall, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    pid = pid_of(own, make_call, log)
    os.kill(pid, signal.SIGKILL)
    assert pid_of(own, make_call, log) != pid


def test_a_death_is_seen_even_if_something_it_started_lives_on(
    own: Isolation, make_call: MakeCall, write: Write, tmp_path: Path
) -> None:
    write("flows.py", FORKS)
    flow = Library().find("flows.py:f").flow
    assert own.run(make_call(flow, str(tmp_path / "pid")))[0] == Died("exited with code 5")
    wait_for_the_end_of(int((tmp_path / "pid").read_text(encoding="utf-8")))


# ---------------------------------------------------------------- time and orders


def test_an_overdue_record_is_killed(own: Isolation, make_call: MakeCall, tmp_path: Path) -> None:
    log = tmp_path / "log"
    pid = pid_of(own, make_call, log)
    attempt, seconds = own.run(make_call(puppet, {"do": "hang"}, timeout=0.05))
    assert attempt == TimedOut(0.05)
    assert seconds >= 0.05
    assert pid_of(own, make_call, log) != pid


def test_a_record_told_to_stop_is_killed(
    own: Isolation, make_call: MakeCall, tmp_path: Path
) -> None:
    log, canceled, ends = tmp_path / "log", Cancellation(), []
    call = make_call(puppet, {"do": "hang", "log": str(log)}, canceled=canceled)
    thread = Thread(target=lambda: ends.append(own.run(call)[0]), daemon=True)
    thread.start()
    wait_for(log)
    canceled.set("batch canceled")
    thread.join(PATIENCE)
    assert ends == [Interrupted("batch canceled")]


def test_a_record_told_to_stop_before_it_began_does_not_begin(
    shared: Isolation, make_call: MakeCall, tmp_path: Path
) -> None:
    canceled = Cancellation()
    canceled.set("batch canceled")
    log = tmp_path / "log"
    call = make_call(puppet, {"do": "ok", "log": str(log)}, canceled=canceled)
    assert shared.run(call) == (Interrupted("batch canceled"), 0.0)
    assert marks(log) == []


def test_records_take_turns(shared: Isolation, make_call: MakeCall, tmp_path: Path) -> None:
    log = tmp_path / "log"
    call = make_call(puppet, {"do": "ok", "log": str(log)})
    threads = [Thread(target=shared.run, args=(call,), daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert [it.what for it in marks(log)] == ["start", "end"] * 8


# ---------------------------------------------------------------- what a flow prints


def test_prints_go_to_standard_error_and_standard_input_is_empty(
    own: Isolation, make_call: MakeCall, write: Write, capfd: pytest.CaptureFixture[str]
) -> None:
    write("flows.py", PRINTS)
    flow = Library().find("flows.py:f").flow
    assert own.run(make_call(flow, {}))[0] == Returned('""')
    own.close()
    out, err = capfd.readouterr()
    assert out == ""
    assert [line for line in err.splitlines() if line.startswith("from ")] == [
        "from print",
        "from a raw write",
        "from a child",
    ]


# ---------------------------------------------------------------- finding the flow


def test_the_child_runs_the_very_flow_the_parent_has(
    own: Isolation, make_call: MakeCall, write: Write
) -> None:
    """Where the batch's place is of another machine, the flow's own place decides."""
    write("pkg/__init__.py", "")
    write("pkg/flows.py", "from fanfold import flow\n@flow\ndef f(r): return __name__\n")
    flow = Library().find("pkg.flows:f").flow
    attempt = own.run(make_call(flow, place="/of/another/machine.py:f"))[0]
    assert attempt == Returned('"pkg.flows"')


def test_a_flow_of_the_places_is_found_by_its_name(make_call: MakeCall, write: Write) -> None:
    file = write("flows.py", "from fanfold import flow\n@flow(id='puppet')\ndef f(r): return 'f'\n")
    other = write("other.py", "from fanfold import flow\n@flow\ndef g(r): return 'g'\n")
    lost = flow(id="puppet", version="1")(lambda record: record)
    with Isolation([str(file)]) as isolation:
        attempt = isolation.run(make_call(lost, place=f"{other}:g"))[0]
    assert attempt == Returned('"f"'), "not the flow of another name at its place"


def test_a_flow_of_the_script_that_is_running_is_found_in_its_file(write: Write) -> None:
    script = write("script.py", SCRIPT)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    assert done.stdout == "Returned(output='\"hello\"')\n"


def test_a_flow_the_child_cannot_find_is_no_death(
    shared: Isolation, make_call: MakeCall, write: Write
) -> None:
    file = write("flows.py", "from fanfold import flow\n@flow\ndef f(r): return 1\n")
    flow = Library().find("flows.py:f").flow
    file.unlink()
    attempt, _ = shared.run(make_call(flow, place=f"{file}:f"))
    assert isinstance(attempt, Raised)
    assert (attempt.failure.blame, attempt.failure.type) == (Blame.ERROR, "FlowNotFound")
    assert attempt.failure.message.startswith(f"flow f: {file} does not exist")


def test_a_file_that_kills_the_child_when_imported_says_nothing_about_the_record(
    own: Isolation, make_call: MakeCall, write: Write
) -> None:
    text = "from fanfold import flow\n@flow\ndef f(r): return 1\n"
    write("flows.py", text)
    flow = Library().find("flows.py:f").flow
    write("flows.py", "import os\nos._exit(6)\n" + text)
    attempt, _ = own.run(make_call(flow))
    assert isinstance(attempt, Raised)
    assert attempt.failure.blame is Blame.ERROR
    assert "ended before the record began: exited with code 6" in attempt.failure.message


# ---------------------------------------------------------------- ends


def test_closing_ends_the_child(make_call: MakeCall, tmp_path: Path) -> None:
    isolation = Isolation()
    pid = pid_of(isolation, make_call, tmp_path / "log")
    isolation.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    isolation.close()  # again is harmless
    with pytest.raises(IsolationClosed):
        isolation.run(make_call(puppet, {"do": "ok"}))


def test_closing_settles_nothing_for_the_record_in_the_child(
    make_call: MakeCall, tmp_path: Path
) -> None:
    isolation, log, raised = Isolation(), tmp_path / "log", []
    call = make_call(puppet, {"do": "hang", "log": str(log)})

    def run() -> None:
        try:
            isolation.run(call)
        except IsolationClosed as error:
            raised.append(error)

    thread = Thread(target=run, daemon=True)
    thread.start()
    wait_for(log)
    isolation.close()
    thread.join(PATIENCE)
    assert len(raised) == 1


@needs_proc
def test_nothing_is_left_open(make_call: MakeCall, tmp_path: Path) -> None:
    before, threads = list_of_files(), threading.active_count()
    with Isolation() as isolation:
        for do in ("ok", "kill", "ok", "exit"):
            isolation.run(make_call(puppet, {"do": do}))
        isolation.run(make_call(puppet, {"do": "hang"}, timeout=0.01))
        pid_of(isolation, make_call, tmp_path / "log")
    assert list_of_files() == before
    assert threading.active_count() == threads


@needs_proc
def test_the_child_does_not_outlive_its_parent(write: Write, tmp_path: Path) -> None:
    """Not even in the midst of a record that never ends."""
    log = tmp_path / "log"
    parent = subprocess.Popen([sys.executable, str(write("parent.py", PARENT)), str(log)])
    wait_for(log)
    parent.kill()
    parent.wait()
    wait_for_the_end_of(marks(log)[0].pid)


GRAPH = """\
from fanfold import Flow
two = Flow("two").node("a", lambda record: record).node("b", lambda a: 2 * a).edge("a", "b")
"""
CONTEXT = """\
from fanfold import Context, flow

@flow
def tell(record, ctx: Context):
    return [ctx.batch_id, ctx.run_id, ctx.index, ctx.key, ctx.attempt, ctx.parameters]
"""
LAST_SPENDING = """
import os
from fanfold import flow

@flow
def f(record, ctx):
    ctx.spend(0.2)
    ctx.spend(0.05)
    os._exit(9)
"""

LAST_WORDS = """\
import os
from fanfold import Context, flow

@flow
def f(record, ctx: Context):
    ctx.log("my last words")
    print("printed as well")
    os._exit(9)
"""
LATE_LOG = """\
import threading
from fanfold import Context, flow

go, done = threading.Event(), threading.Event()

def later(ctx):
    go.wait()
    ctx.log("late")
    done.set()

@flow
def f(record, ctx: Context):
    if record == "start":
        threading.Thread(target=later, args=(ctx,), daemon=True).start()
    else:
        go.set()
        done.wait()
"""
FORKS = """\
import os, time
from fanfold import flow

@flow
def f(record):
    pid = os.fork()
    if pid == 0:
        time.sleep(3600)
    with open(record, "w") as file:
        file.write(str(pid))
    os._exit(5)
"""
PRINTS = """\
import os, subprocess, sys
from fanfold import flow

@flow
def f(record):
    print("from print")
    os.write(1, b"from a raw write\\n")
    subprocess.run([sys.executable, "-c", "print('from a child')"], check=True)
    return sys.stdin.read()
"""
PARENT = """\
import sys
from fanfold.domain.flow import FlowRef
from fanfold.execution.call import Call
from fanfold.execution.context import Context
from fanfold.execution.isolation import Isolation
from fanfold.testing.puppet import puppet

context = Context(batch_id="b", run_id="r", index=0)
record = {"do": "hang", "log": sys.argv[1]}
Isolation().run(Call(puppet, FlowRef("puppet", "1", ""), record, context, None))
"""
SCRIPT = """\
from fanfold import flow
from fanfold.domain.flow import FlowRef
from fanfold.execution.call import Call
from fanfold.execution.context import Context
from fanfold.execution.isolation import Isolation

@flow
def greet(record):
    return "hello"

if __name__ == "__main__":
    context = Context(batch_id="b", run_id="r", index=0)
    with Isolation() as isolation:
        print(isolation.run(Call(greet, FlowRef("greet", "1", ""), {}, context, None))[0])
"""
