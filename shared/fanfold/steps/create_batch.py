"""create_batch: validate, copy the source, store, publish one message, answer.

| a crash here               | leaves                                                           |
|----------------------------|------------------------------------------------------------------|
| while the source is copied | a draft nobody refers to                                         |
| before the batch is stored | a blob nobody refers to                                          |
| before the message is out  | a pending batch: the same request publishes again, as does sweep |

A batch that comes after others is stored and copied as any; its message goes out once they have
ended (steps.follow).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.flow import FlowRef
from fanfold.domain.ids import batch_id_for_request
from fanfold.domain.in_flight import with_limit
from fanfold.domain.lineage import Parent
from fanfold.domain.options import BatchOptions
from fanfold.domain.source import Source
from fanfold.errors import (
    BatchNotFound,
    RecordsInvalid,
    RequestReused,
    SourceBroken,
    SourceInvalid,
)
from fanfold.ports import Ports
from fanfold.sources.copy import spool
from fanfold.sources.line import Line, refuse
from fanfold.sources.prepare import prepared
from fanfold.sources.problems import Problems
from fanfold.steps.follow import check_after, set_off


def content_of(records: Any) -> str:
    """Of records that came with the request: what tells it from another with other ones."""
    text = json.dumps(records, sort_keys=True)
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class BatchRequest:
    flow: FlowRef
    options: BatchOptions
    #: what the user named as the source, for people to read
    source_name: str
    #: the same id asks for the same batch
    request_id: str | None = None
    principal: str = "local"
    #: whose the batch is to be
    owner: str = ""
    #: of records that came with the request: a digest of them
    content: str = ""
    #: whether it is one run, started by itself
    single: bool = False
    #: of a child batch: whose it is
    parent: Parent | None = None
    #: which version of the source this is, in its store's words
    source_version: str = ""


def create_batch(
    ports: Ports,
    request: BatchRequest,
    lines: Callable[[], Iterator[Line]],
    *,
    check: Callable[[Any], None] | None = None,
    on_progress: Callable[[int], None] | None = None,
    problems: Problems | None = None,
    sees: Callable[[Batch], bool] = lambda _: True,
) -> Batch:
    """Store the batch and start its fan-out. Every record passes `check` before anything is
    stored; what it raises is raised here. With `problems`, which `lines` must tell of its own,
    several of them are raised together. `sees`: whether whoever asks may know of a batch that it
    is to come after."""
    digest = _digest_of(request)
    if request.request_id is None:
        batch_id = ports.ids.batch_id()
    else:
        batch_id = batch_id_for_request(request.principal, request.request_id)
        known = _known(ports, batch_id, digest)
        if known is not None:
            return known
    check_after(ports.batches, batch_id, request.options.after, sees)
    blob = f"{batch_id}/source-{ports.ids.token()}.jsonl"
    options = with_limit(_with_seed(ports, request.options))
    # a sample is drawn once it is known how many records there are
    wanted = None if options.shuffle else options.max_records
    counted = _Counted(on_progress)
    told = problems or refuse
    copied = spool(prepared(lines(), options, told), check, wanted, counted, told)
    ports.blobs.write(blob, copied if problems is None else _whole(copied, problems))
    now = ports.clock.now()
    batch = Batch(
        id=batch_id,
        flow=request.flow,
        source=Source(blob, request.source_name, request.source_version, counted.records),
        options=options,
        request_digest=digest,
        created_at=now,
        owner=request.owner,
        single=request.single,
        parent=request.parent,
        deadline_at=None if options.deadline is None else now + options.deadline,
        slots=ports.slots,
    )
    stored = ports.batches.create(batch)
    if stored.source.blob != blob:  # the same request, at the same time, was faster
        ports.blobs.delete(blob)
        _refuse_another(stored, digest)
    set_off(ports, stored)
    return stored


def _whole(copied: Iterator[bytes], problems: Problems) -> Iterator[bytes]:
    """What raises here leaves nothing stored."""
    try:
        yield from copied
    except (RecordsInvalid, SourceBroken):
        raise
    except SourceInvalid as last:
        problems.check(last)
    problems.check()


class _Counted:
    """How many records there are, told on to whoever shows it."""

    def __init__(self, on_progress: Callable[[int], None] | None) -> None:
        self._on_progress = on_progress
        self.records = 0

    def __call__(self, records: int) -> None:
        self.records = records
        if self._on_progress is not None:
            self._on_progress(records)


def _with_seed(ports: Ports, options: BatchOptions) -> BatchOptions:
    """A shuffled batch keeps what its order derives from, so that it can be had again."""
    if not options.shuffle or options.seed is not None:
        return options
    return options.model_copy(update={"seed": int(ports.ids.uniform() * (1 << 32))})


def _known(ports: Ports, batch_id: str, digest: str) -> Batch | None:
    try:
        stored = ports.batches.get(batch_id)
    except BatchNotFound:
        return None
    _refuse_another(stored, digest)
    # paused and resumed meanwhile, it is running, and its fan-out has not begun all the same
    has_not_begun = stored.is_open and stored.started_at is None
    if stored.state is BatchState.PENDING or has_not_begun:
        set_off(ports, stored)
    return stored


def _refuse_another(stored: Batch, digest: str) -> None:
    if stored.request_digest != digest:
        raise RequestReused(
            f"this request id already started {stored.id} with another flow, source or options. "
            "Use a new request id."
        )


def _digest_of(request: BatchRequest) -> str:
    if request.parent is not None:  # its id says whose items these are, and which
        return blake2b(f"{request.request_id}".encode(), digest_size=16).hexdigest()
    text = f"{request.flow.name}\n{request.source_name}\n{request.options.model_dump_json()}"
    if request.content:
        text += f"\n{request.content}"
    return blake2b(text.encode(), digest_size=16).hexdigest()
