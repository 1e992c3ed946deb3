"""Fanfold for whoever has a function and a list at hand: in a notebook, at a prompt, in a script.

    done = run_batch(shout, records, concurrency=20)

run ──▶ create the batch ──▶ work: a worker in threads of this process, on this batch's messages
                               │     alone; the caller looks, and tells of the progress
                               └──▶ done: its results, read from the home when they are asked for
"""

from fanfold.domain.event import Event, EventKind
from fanfold.notebook.done import Done, RecordsFailed, Results
from fanfold.notebook.progress import Progress
from fanfold.notebook.run import resume_batch, run_batch, run_batch_async
from fanfold.notebook.watch import BatchHeld

__all__ = [
    "BatchHeld",
    "Done",
    "Event",
    "EventKind",
    "Progress",
    "RecordsFailed",
    "Results",
    "resume_batch",
    "run_batch",
    "run_batch_async",
]
