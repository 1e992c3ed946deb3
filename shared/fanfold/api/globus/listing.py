"""Lists of runs: by both clients' filters, in any order, paged by `marker` or by `offset`.

The newest first is the order that the store has: a page of it costs no more than what is looked at
for it, and its marker is the last run that was. Any other order takes all the runs that are wanted,
FARTHEST at most.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import Query

from fanfold.api.asking import Asker
from fanfold.api.globus.abreast import abreast
from fanfold.api.globus.paging import (
    FARTHEST,
    Asked,
    about_page,
    in_order,
    listed,
    orders_of,
    page_of,
    refused,
    words_of,
)
from fanfold.api.globus.roles import RUN_ROLES, run_roles
from fanfold.api.globus.run_documents import STATUSES, Facts, run_document, status_of
from fanfold.domain.access import Action
from fanfold.domain.batch import ENDED, Batch, BatchState
from fanfold.domain.ids import run_id_of
from fanfold.domain.lineage import Kind
from fanfold.domain.registered import flow_id_of
from fanfold.ports import Ports
from fanfold.steps.find_batches import Found, Wanted, find_batches
from fanfold.steps.find_run import run_at, whole_run

#: for `total`, so many are counted at most
_COUNTED = 200
#: of those that are looked through for one page
_LOOKED_AT = 1000
_FIELDS = (
    *("run_id", "flow_id", "flow_title", "label", "status"),
    *("start_time", "created_at", "completion_time", "completed_at"),
)
_NEWEST_FIRST = [("start_time", True)]
_NOT_ENDED = frozenset(BatchState) - ENDED


class RunFilter:
    """What a list of runs is asked for. An empty word is no filter."""

    def __init__(
        self,
        filter_flow_id: Annotated[
            str | None, Query(description="any of these, with commas")
        ] = None,
        flow_id: Annotated[str | None, Query(max_length=100)] = None,
        filter_roles: Annotated[str | None, Query(description="any of these, with commas")] = None,
        role_type: Annotated[
            str | None, Query(max_length=100, description="as filter_roles")
        ] = None,
        status: Annotated[str | None, Query(description="any of these, with commas")] = None,
        label: Annotated[str | None, Query(max_length=200, description="with this in it")] = None,
        q: Annotated[str | None, Query(max_length=200, description="as label")] = None,
        tags: Annotated[str | None, Query(description="all of these, with commas")] = None,
        start_time: Annotated[datetime | None, Query(description="asked for then or later")] = None,
        end_time: Annotated[datetime | None, Query(description="asked for before then")] = None,
        orderby: Annotated[list[str] | None, Query(description="`start_time DESC`")] = None,
        order_dir: Annotated[str | None, Query(description="ASC or DESC, for orderby")] = None,
        marker_only: Annotated[bool, Query(description="no runs, but where to go on")] = False,
    ) -> None:
        self.flow_ids = {it.lower() for it in (*listed(filter_flow_id), *listed(flow_id))}
        roles = words_of("filter_roles", filter_roles, RUN_ROLES)
        self.roles = roles | words_of("role_type", role_type, RUN_ROLES)
        self.statuses = _statuses(status)
        self.labels = [it.casefold() for it in (label, q) if it]
        self.wanted = Wanted(
            tags=frozenset(listed(tags)),
            since=None if start_time is None else start_time.timestamp(),
            until=None if end_time is None else end_time.timestamp(),
            kinds=frozenset({Kind.RUN}),
        )
        self.orders = _directed(orders_of(orderby, _FIELDS), order_dir)
        self.marker_only = marker_only

    @property
    def is_newest_first(self) -> bool:
        return self.orders in ([], _NEWEST_FIRST, [("created_at", True)])

    @property
    def states(self) -> frozenset[BatchState] | None:
        """Of batches that may have such a run."""
        return _NOT_ENDED if self.statuses and self.statuses <= {"ACTIVE", "INACTIVE"} else None


def found_runs(asker: Asker, asked: Asked, only: RunFilter) -> tuple[list[dict[str, Any]], Any]:
    """The page's documents, and what the list says of itself."""
    search = _Search(asker, only)
    batches, about = (_newest if only.is_newest_first else _ordered)(search, asked)
    if only.marker_only:
        return [], about
    facts = Facts(asker)
    ports = asker.fanfold.ports
    return abreast(lambda it: run_document(facts, whole_run(ports, it, 0)), batches), about


@dataclass(slots=True)
class _Search:
    asker: Asker
    only: RunFilter

    def find(self, limit: int, before: str, look_at: int) -> Found:
        """What costs a look at the run itself is asked last."""
        asker, only = self.asker, self.only
        ports = asker.fanfold.ports

        def also(batch: Batch) -> bool:
            label = (batch.options.label or "").casefold()
            if batch.pruned_at is not None or not asker.sees(batch):
                return False
            if only.flow_ids and flow_id_of(batch.flow.name) not in only.flow_ids:
                return False
            if not all(it in label for it in only.labels) or not self._has_role(batch):
                return False
            return not only.statuses or status_of(run_at(ports, batch, 0)) in only.statuses

        return find_batches(
            ports.batches,
            only.wanted,
            only.states,
            limit,
            before=before,
            also=also,
            look_at=look_at,
        )

    def _has_role(self, batch: Batch) -> bool:
        if not self.only.roles:
            return True
        access = self.asker.desk.access_of(batch.flow.name)
        return not self.only.roles.isdisjoint(run_roles(self.asker.principal, batch, access))


def _newest(search: _Search, asked: Asked) -> tuple[list[Batch], Any]:
    before = ""
    if asked.marker is not None:
        before = search.asker.run(Action.SEE, asked.marker)[0].id
    look_at = max(_LOOKED_AT, asked.offset + asked.limit + 1)
    found = search.find(asked.offset + asked.limit, before, look_at)
    total = len(found.batches)
    if found.last and asked.marker is None and not search.only.marker_only:
        total += len(search.find(_COUNTED, found.last, _COUNTED).batches)
    marker = run_id_of(found.last, 0) if found.last else None
    about = about_page(asked, asked.offset, total, more=found.last != "", marker=marker)
    return found.batches[asked.offset :], about


@dataclass(slots=True)
class _Row:
    """What runs may be ordered by."""

    ports: Ports
    batch: Batch

    @property
    def run_id(self) -> str:
        return run_id_of(self.batch.id, 0)

    @property
    def flow_id(self) -> str:
        return flow_id_of(self.batch.flow.name)

    @property
    def flow_title(self) -> str:
        return self.batch.flow.heading

    @property
    def label(self) -> str | None:
        return self.batch.options.label

    @property
    def status(self) -> str:
        return status_of(run_at(self.ports, self.batch, 0))

    @property
    def start_time(self) -> float:
        return self.batch.created_at

    @property
    def completion_time(self) -> float | None:
        return self.batch.closed_at if self.batch.closed is not None else None

    created_at = start_time
    completed_at = completion_time


def _ordered(search: _Search, asked: Asked) -> tuple[list[Batch], Any]:
    found = search.find(FARTHEST, "", FARTHEST)
    if found.last:
        raise refused(
            "orderby", f"there are more than {FARTHEST:,} runs to be put in order: filter them"
        )
    ports = search.asker.fanfold.ports
    rows = in_order([_Row(ports, it) for it in found.batches], search.only.orders)
    page, about = page_of(rows, asked)
    return [it.batch for it in page], about


def _statuses(given: str | None) -> frozenset[str]:
    """ENDED is theirs, for what has ended neither way: there is none of these here."""
    said = (given or "").upper().replace("CANCELLED", "CANCELED")
    return words_of("status", said, (*STATUSES, "ENDED"))


def _directed(orders: list[tuple[str, bool]], direction: str | None) -> list[tuple[str, bool]]:
    if not direction:
        return orders
    if direction.upper() not in ("ASC", "DESC"):
        raise refused("order_dir", f"{direction!r}: ASC or DESC")
    return [(name, direction.upper() == "DESC") for name, _ in orders or _NEWEST_FIRST]
