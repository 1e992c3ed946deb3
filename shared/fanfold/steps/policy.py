"""The numbers the steps go by. Wiring chooses them for an engine; steps read no settings."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    #: messages of one pull
    pull: int = 200
    #: how long a pull waits for the first of them; a worker that is told to stop waits for it, too
    pull_seconds: float = 0.2
    #: messages are pulled ahead for so many seconds of work: about what a pull takes
    ahead_seconds: float = 0.005
    #: Whether each station that is not runs has a thread of its own, which waits for its messages.
    #: A queue that costs next to nothing to look at is looked at by one thread, often.
    clerks: bool = False
    #: outcomes that make a group full, and how many that may grow to while commits are quick
    group: int = 100
    group_most: int = 500
    #: whether who runs quick flows also settles them. Not where a commit crosses a network: more
    #: can be pulled and run meanwhile, and whoever holds none but what it settles asks each time
    settles_itself: bool = False
    #: how long the first outcome of a group waits for others
    gather_seconds: float = 0.005
    #: the same, as a share of the mean run time, if that is less
    gather_share: float = 0.1
    #: the least that it waits, however quick the runs are
    gather_least: float = 0.0
    #: a commit that takes longer than this is slow: there should be fewer of them
    slow_commit_seconds: float = 0.5
    #: a run that lasts longer than this writes a lease
    lease_after: float = 10.0
    #: how long a lease lasts unless renewed
    lease_seconds: float = 60.0
    #: waits up to this are spent in the process; longer ones in `lives`
    wait_in_place: float = 30.0
    #: turns of a rate are reserved so many seconds ahead, at most: a lower rate holds after that
    turns_ahead: float = 2.0
    #: who has to wait long for a turn is looked at so often: a higher rate reaches it by then
    aside_seconds: float = 30.0
    #: from this delivery on a record runs alone in a child process
    isolate_from: int = 3
    #: how old a process' view of a batch may be: how soon cancel and pause are noticed
    view_seconds: float = 2.0
    #: how long one fan-out message may work before it hands on to the next
    fan_out_seconds: float = 300.0
    #: how long a finalizer's claim lasts
    claim_seconds: float = 120.0
    #: an open batch in which nothing has happened for so long is looked at by the sweep
    quiet_seconds: float = 120.0
    #: one in which nothing has moved for so long is told of by the sweep, and again after as long
    stuck_seconds: float = 900.0
    #: a release that nobody's message stands for, and that is not struck off after so long, was
    #: not published
    orphan_seconds: float = 10.0
    #: how long what runs may take to finish once a worker is told to stop; inf: as long as it takes
    grace_seconds: float = math.inf
    #: how often a worker looks for waits that are due and leases that have ended
    wake_seconds: float = 0.5
    #: how often a worker that is to end when it is idle asks whether it is
    idle_seconds: float = 0.05
    #: how far a batch is is told no sooner than so long after it was told last
    progress_seconds: float = 1.0
    #: how often a worker sweeps
    sweep_seconds: float = 15.0
    #: a fold that is a tree of more pages than this is made by all workers
    fold_pages: int = 4
    #: and so many of them at once
    fold_concurrency: int = 64
    #: what one pass of the sweep may publish for one batch
    sweep_limit: int = 1000
