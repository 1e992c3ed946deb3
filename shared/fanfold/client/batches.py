"""What a client can be asked for about batches and flows, as operations (client.calls)."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from fanfold.client import paging, streams, waiting
from fanfold.client.asking import Asking, chosen_by, drawn_key, without_nones
from fanfold.client.calls import Call, Items, Operation
from fanfold.client.shapes import (
    Batch,
    Certificate,
    ErrorGroup,
    Event,
    Flow,
    Job,
    Result,
    Retried,
)

Lines = str | os.PathLike[str] | bytes | Iterable[bytes]
_TYPES = {"jsonl": "application/x-ndjson", "csv": "text/csv"}
_CHUNK = 256 * 1024


class BatchOperations(Asking):
    __slots__ = ()

    def create_batch(
        self,
        /,
        flow: str,
        records: Iterable[Any] | None = None,
        *,
        source: str | list[str] | None = None,
        request_id: str | None = None,
        **options: Any,
    ) -> Operation[Batch]:
        """Start a batch of these records, of a source in a bucket, or of the flow's own. `options`
        are the batch's (concurrency, max_spend, label, …). It is started once, however often the
        connection breaks; with a `request_id` of yours also if you call again."""
        its = None if records is None else list(records)
        body = {"flow": flow, **options, **without_nones({"records": its, "source": source})}
        return self.started("/api/batches", body, request_id, Batch)

    def upload_batch(
        self,
        /,
        flow: str,
        lines: Lines,
        *,
        format: Literal["jsonl", "csv"] = "jsonl",  # noqa: A002  it is what one asks for
        request_id: str | None = None,
        **options: Any,
    ) -> Operation[Batch]:
        """Start a batch of a file, of bytes, or of what an iterator gives, which is sent as it is
        read. What an iterator has given cannot be sent again: where the connection breaks, that is
        raised."""
        query = {"flow": flow, "options": json.dumps(options)}
        headers = {"Content-Type": _TYPES[format], "Idempotency-Key": request_id or drawn_key()}
        content = partial(_read, Path(lines)) if isinstance(lines, str | os.PathLike) else lines
        call = Call(
            verb="POST", path="/api/batches/upload", query=query, headers=headers, content=content
        )
        return Batch.read((yield from self.patience.ask(call)).json)

    def get_batch(self, batch_id: str) -> Operation[Batch]:
        """How it is now."""
        return Batch.read((yield from self.get(_batch(batch_id))))

    def list_batches(
        self,
        *,
        status: str | None = None,
        flow: str | None = None,
        label: str | None = None,
        tag: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 50,
    ) -> Operation[list[Batch]]:
        """The newest of those one may see, `limit` at most."""
        query = chosen_by(status, flow, label, tag, since, until, limit)
        return (yield from paging.page(self.patience, "/api/batches", query, Batch))

    def iter_batches(
        self,
        *,
        status: str | None = None,
        flow: str | None = None,
        label: str | None = None,
        tag: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Items[Batch]:
        """All of them, read page by page."""
        query = chosen_by(status, flow, label, tag, since, until, 200)
        return paging.pages(self.patience, "/api/batches", query, Batch)

    def update_batch(self, /, batch_id: str, **changes: Any) -> Operation[Batch]:
        """Change options while it runs (concurrency, rate, max_failures, error_policy, max_spend,
        deadline), after and after_on while it waits, and label, tags, managers and monitors at any
        time."""
        call = Call(verb="PATCH", path=_batch(batch_id), json=changes)
        return Batch.read((yield from self.patience.ask(call)).json)

    def pause_batch(self, batch_id: str) -> Operation[Batch]:
        """Nothing new starts; what runs, finishes."""
        return (yield from self._told(batch_id, "pause"))

    def resume_batch(self, batch_id: str) -> Operation[Batch]:
        """Everything goes on."""
        return (yield from self._told(batch_id, "resume"))

    def cancel_batch(self, batch_id: str, *, grace: float = 0.0) -> Operation[Batch]:
        """Stop it; with `grace`, what runs may finish for so many seconds."""
        return (yield from self._told(batch_id, "cancel", grace=grace or None))

    def retry_batch(
        self,
        /,
        batch_id: str,
        *,
        states: Iterable[str] = (),
        errors: Iterable[str] = (),
        indexes: Iterable[int] | None = None,
        generation: int | None = None,
        **options: Any,
    ) -> Operation[Retried]:
        """Run some records again; once, however often the connection breaks. `generation`: the
        batch's as you know it, so that it is once also if you call again."""
        if generation is None:
            generation = (yield from self.get_batch(batch_id)).generation
        body = {"states": list(states), "errors": list(errors), "generation": generation, **options}
        if indexes is not None:
            body["indexes"] = list(indexes)
        call = Call(verb="POST", path=f"{_batch(batch_id)}/retry", json=body)
        return Retried.read((yield from self.patience.ask(call)).json)

    def wait_for_batch(
        self,
        batch_id: str,
        *,
        timeout: float | None = None,
        on_progress: Callable[[Batch], None] | None = None,
    ) -> Operation[Batch]:
        """It, once it has ended, or once its canary has it paused. Raises TimedOut after `timeout`
        seconds. `on_progress` is told whenever something has changed, once a second at most."""

        def rests(batch: Batch) -> bool:
            return batch.ended or batch.held

        path = _batch(batch_id)
        return (yield from waiting.wait(self.patience, path, Batch, timeout, on_progress, rests))

    def iter_results(
        self,
        batch_id: str,
        *,
        status: str | None = None,
        start: int = 0,
        stop: int | None = None,
    ) -> Items[Result]:
        """Every record's result, in record order, as it arrives. Where the connection breaks it
        goes on behind the last one."""
        path = f"{_batch(batch_id)}/results"
        return streams.results(self.patience, path, status, start, stop)

    def iter_jobs(self, batch_id: str, *, status: str | None = None) -> Items[Job]:
        """Its records in order, queued ones included, without their outputs."""
        query = {"status": status, "limit": 1000}
        return paging.pages(self.patience, f"{_batch(batch_id)}/jobs", query, Job)

    def get_job(self, batch_id: str, record_id: str | int) -> Operation[Job]:
        """One record by its index or its key, with its output and its log."""
        path = f"{_batch(batch_id)}/jobs/{quote(str(record_id), safe='')}"
        return Job.read((yield from self.get(path)))

    def get_errors(self, batch_id: str) -> Operation[list[ErrorGroup]]:
        """Its failures by what is the same in them, the most frequent first."""
        found = yield from self.get(f"{_batch(batch_id)}/errors")
        return ErrorGroup.read_list(found)

    def get_certificate(self, batch_id: str) -> Operation[Certificate]:
        """Derived anew, now."""
        found = yield from self.get(f"{_batch(batch_id)}/certificate")
        return Certificate.read(found)

    def iter_events(self, batch_id: str, *, after: int = 0) -> Items[Event]:
        """What has happened and what happens, until it has ended; behind number `after`."""
        path = f"{_batch(batch_id)}/events"
        return streams.events(self.patience, path, after)

    def list_flows(self) -> Operation[list[Flow]]:
        """Those one may see, by name."""
        return Flow.read_list((yield from self.get("/api/flows")))

    def get_flow(self, name: str) -> Operation[Flow]:
        """One of them."""
        return Flow.read((yield from self.get(f"/api/flows/{quote(name, safe='')}")))

    def _told(self, batch_id: str, verb: str, **query: Any) -> Operation[Batch]:
        call = Call(verb="POST", path=f"{_batch(batch_id)}/{verb}", query=query)
        return Batch.read((yield from self.patience.ask(call)).json)


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _batch(batch_id: str) -> str:
    return f"/api/batches/{quote(batch_id, safe='')}"
