"""What a client can be asked for about runs, as operations (client.calls)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from fanfold.client import paging, waiting
from fanfold.client.asking import Asking, chosen_by
from fanfold.client.calls import Call, Items, Operation, gathered
from fanfold.client.errors import Conflict, Forbidden, NotFound
from fanfold.client.shapes import Question, Run, RunLogEntry

_ACTIVE = ("queued", "running", "waiting")
#: what may be said of a run where None means none
_UNSAID: Any = object()


class RunOperations(Asking):
    __slots__ = ()

    def run_flow(
        self,
        /,
        flow: str,
        input: Any,  # noqa: A002  it is what one gives
        *,
        request_id: str | None = None,
        **options: Any,
    ) -> Operation[Run]:
        """Run a flow once, on this input. `options`: label, tags, parameters, retries, timeout,
        deadline, priority, after, after_on, managers, monitors. Started once, as a batch is."""
        body = {"flow": flow, "input": input, **options}
        return self.started("/api/runs", body, request_id, Run)

    def get_run(self, run_id: str) -> Operation[Run]:
        """How it is now, with its input and its output; of any record of any batch."""
        return Run.read((yield from self.get(_run(run_id))))

    def list_runs(
        self,
        *,
        status: str | None = None,
        flow: str | None = None,
        label: str | None = None,
        tag: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 50,
    ) -> Operation[list[Run]]:
        """The newest of those that were started by themselves, `limit` at most."""
        query = chosen_by(status, flow, label, tag, since, until, limit)
        return (yield from paging.page(self.patience, "/api/runs", query, Run))

    def iter_runs(
        self,
        *,
        status: str | None = None,
        flow: str | None = None,
        label: str | None = None,
        tag: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Items[Run]:
        """All of them, read page by page."""
        query = chosen_by(status, flow, label, tag, since, until, 200)
        return paging.pages(self.patience, "/api/runs", query, Run)

    def list_all_runs(
        self,
        *,
        status: str | None = None,
        flow: str | None = None,
        label: str | None = None,
        tag: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Operation[list[Run]]:
        """All of them, as a list."""
        runs = self.iter_runs(
            status=status, flow=flow, label=label, tag=tag, since=since, until=until
        )
        return (yield from gathered(runs))

    def update_run(
        self,
        run_id: str,
        *,
        label: str | None = _UNSAID,
        tags: Iterable[str] = _UNSAID,
        managers: Iterable[str] = _UNSAID,
        monitors: Iterable[str] = _UNSAID,
    ) -> Operation[Run]:
        """Change what is said of it; what is not named stays."""
        lists = {"tags": tags, "managers": managers, "monitors": monitors}
        changes: dict[str, Any] = {} if label is _UNSAID else {"label": label}
        changes |= {name: list(it) for name, it in lists.items() if it is not _UNSAID}
        call = Call(verb="PATCH", path=_run(run_id), json=changes)
        return Run.read((yield from self.patience.ask(call)).json)

    def cancel_run(self, run_id: str) -> Operation[Run]:
        """It does not start any more or, if it runs, is told to stop."""
        call = Call(verb="POST", path=f"{_run(run_id)}/cancel")
        return Run.read((yield from self.patience.ask(call)).json)

    def answer_run(self, run_id: str, value: Any, *, question: str | None = None) -> Operation[Run]:
        """Answer what it asks; `question`: its name, where it asks several. The first answer
        counts, and the same one again changes nothing."""
        body = {"value": value, **({} if question is None else {"question": question})}
        call = Call(verb="POST", path=f"{_run(run_id)}/answer", json=body, repeatable=True)
        return Run.read((yield from self.patience.ask(call)).json["run"])

    def list_questions(self, batch_id: str, *, limit: int = 100) -> Operation[list[Question]]:
        """What runs of a batch, and of their items, ask and wait for."""
        path = f"/api/batches/{quote(batch_id, safe='')}/questions"
        call = Call(verb="GET", path=path, query={"limit": limit})
        return Question.read_list((yield from self.patience.ask(call)).json)

    def get_run_logs(
        self, run_id: str, *, start: int = 0, limit: int = 100
    ) -> Operation[list[RunLogEntry]]:
        """A page of what has become of it and what its flow has written."""
        query = {"start": start, "limit": limit}
        path = f"{_run(run_id)}/log"
        return (yield from paging.page(self.patience, path, query, RunLogEntry))

    def iter_run_logs(self, run_id: str) -> Items[RunLogEntry]:
        """All of it, read page by page."""
        path, query = f"{_run(run_id)}/log", {"limit": 1000}
        return paging.pages(self.patience, path, query, RunLogEntry)

    def list_all_run_logs(self, run_id: str) -> Operation[list[RunLogEntry]]:
        """All of it, as a list."""
        return (yield from gathered(self.iter_run_logs(run_id)))

    def wait_for_run(
        self,
        run_id: str,
        *,
        timeout: float | None = None,
        on_progress: Callable[[Run], None] | None = None,
    ) -> Operation[Run]:
        """It, once it has ended. Raises TimedOut after `timeout` seconds."""

        def has_ended(run: Run) -> bool:
            return run.ended

        path = _run(run_id)
        return (yield from waiting.wait(self.patience, path, Run, timeout, on_progress, has_ended))

    def monitor_runs(
        self,
        run_ids: Iterable[str],
        on_change: Callable[[Run, str | None], None],
        *,
        timeout: float | None = None,
    ) -> Operation[list[Run]]:
        """Tells `on_change` of each run whose status is another one than before, and which that
        was (None at the first look), until all have ended; those. Raises TimedOut."""
        return (yield from waiting.monitor(self.patience, run_ids, on_change, timeout))

    def cancel_runs_older_than(
        self,
        age: timedelta | float | datetime,
        *,
        flow: str | None = None,
        label: str | None = None,
        tag: str | None = None,
    ) -> Operation[list[Run]]:
        """Those that were asked for so long ago (or before then) and have not ended; which were
        canceled. What ends meanwhile is let end, and what one may look at alone is left alone."""
        now = datetime.fromtimestamp(self.patience.now(), UTC)
        if isinstance(age, datetime):
            until = age
        else:
            until = now - (age if isinstance(age, timedelta) else timedelta(seconds=age))
        canceled: dict[str, Run] = {}
        for status in _ACTIVE:
            active = self.list_all_runs(status=status, flow=flow, label=label, tag=tag, until=until)
            for run in (yield from active):
                # one that was queued and is told to stop may be listed again, as one that runs
                if run.run_id in canceled:
                    continue
                try:
                    canceled[run.run_id] = yield from self.cancel_run(run.run_id)
                except (Conflict, Forbidden, NotFound):  # it has ended, or is not one's own
                    continue
        return list(canceled.values())


def _run(run_id: str) -> str:
    return f"/api/runs/{quote(run_id, safe='')}"
