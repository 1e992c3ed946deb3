"""Run a record that should run alone, but whose flow no other process can find.

A message comes to be delivered a third time because its record kills processes, or because it was
given back twice before its turn, by two interrupts. A flow that is only in memory cannot be tried
in a child, and failing the innocent would be worse than running the guilty once more: so it runs
here, in a thread of its own, and the log names it beforehand. What dies of it each time is ended by
the limit of deliveries.
"""

from __future__ import annotations

from queue import SimpleQueue
from threading import Thread

from fanfold import log
from fanfold.domain.outcome import Attempt
from fanfold.execution.call import Call
from fanfold.execution.invoke import Invoker


def run_here(call: Call) -> tuple[Attempt, float]:
    """How it ended, and the seconds it took. Code that outlasts its timeout is left behind."""
    log.warning(
        "run.not_isolated",
        f"record {call.context.index} is delivered again and again, perhaps for killing its "
        f"process; flow {call.ref.name} is in no file, so it runs here. In a file of its own it "
        "would run in a child process",
        batch_id=call.context.batch_id,
        run_id=call.context.run_id,
    )
    ended: SimpleQueue[tuple[Attempt, float]] = SimpleQueue()

    def work() -> None:
        invoker = Invoker()
        try:
            invoker.invoke(call, lambda attempt, seconds: ended.put((attempt, seconds)))
        finally:
            invoker.stop()

    Thread(target=work, name="fanfold-here", daemon=True).start()
    return ended.get()
