"""Jobs that are admitted and not taken up yet, and who may take them up.

Taking one costs no lock: a hundred thousand quick runs would pay more for handing jobs from thread
to thread than for running them. Whoever wants to take some up gets a place first, and keeps it for
as many as there are; there are as many places as runs may execute at once in this process. And
whoever puts jobs here says whether others are to be woken for them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from threading import Condition, Lock

from fanfold.steps.run_flow import Job

#: a job, and whether it is to run alone in a child process
Item = tuple[Job, bool]


class Ready:
    def __init__(self, places: int) -> None:
        self._items: deque[Item] = deque()
        self._changed = Condition(Lock())
        self._places = places
        self._closed = False

    def put(self, items: Sequence[Item], *, wake: bool = True) -> None:
        self._items.extend(items)
        if wake:
            self.wake(len(items))

    def wake(self, lanes: int) -> None:
        """Have so many idle lanes look."""
        with self._changed:
            self._changed.notify(lanes)

    def wake_all(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def take(self) -> Item | None:
        """For who has a place."""
        try:
            return self._items.popleft()
        except IndexError:
            return None

    def wait_for_place(self) -> bool:
        """And for something to take; False once nothing will come any more."""
        with self._changed:
            while not (self._items and self._places) and not self._closed:
                self._changed.wait()
            if self._closed:
                return False
            self._places -= 1
            return True

    def take_place(self) -> bool:
        """If there is one."""
        with self._changed:
            if not self._places:
                return False
            self._places -= 1
            return True

    def leave_place(self) -> None:
        with self._changed:
            self._places += 1
            if self._items:
                self._changed.notify()

    def clear(self) -> list[Job]:
        """Those that no lane will take up."""
        jobs: list[Job] = []
        while (item := self.take()) is not None:
            jobs.append(item[0])
        return jobs

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def __len__(self) -> int:
        return len(self._items)
