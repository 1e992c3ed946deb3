"""What `run` and `create` are asked for, checked as far as it can be before anything is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fanfold.cli.pairs import grid_from, parameters_from, select_from
from fanfold.errors import SourceInvalid

if TYPE_CHECKING:
    from fanfold.cli.wanted import Wanted
    from fanfold.domain.batch import Batch
    from fanfold.domain.collection_query import CollectionQuery
    from fanfold.domain.options import BatchOptions
    from fanfold.domain.source_format import SourceFormat
    from fanfold.execution.library import Found
    from fanfold.ports import Ports
    from fanfold.sources.line import Line, OnProblem
    from fanfold.sources.open import Opened
    from fanfold.steps.check_source import Checked

    Watch = Callable[[Iterator[Line]], Iterator[Line]]


@dataclass(frozen=True, slots=True)
class Order:
    found: Found
    options: BatchOptions
    request_id: str | None
    source: Opened
    #: batches it comes after, as they were named
    after: tuple[str, ...]
    #: opens it again once the engine is open whose results or documents are in it; None: none are
    with_ports: Callable[[Ports], Opened] | None

    def place(self, ports: Ports, watch: Watch) -> Batch:
        """Create the batch; each record is checked against the flow's own annotation first.
        `watch` passes the records on, and sees them."""
        from fanfold.steps.create_batch import BatchRequest, create_batch

        source = self._opened(ports)
        request = BatchRequest(
            self.found.ref,
            self._options_here(ports),
            source.name,
            self.request_id,
            source_version=source.version,
        )
        return create_batch(ports, request, lambda: watch(source.lines()), check=self._check)

    def check(self, ports: Ports | None, watch: Watch, on_problem: OnProblem) -> Checked:
        """Read all of it and store nothing. `ports`, if what an engine keeps is in it."""
        from fanfold.steps.check_source import check_source

        source = self._opened(ports)
        return check_source(
            lambda told: watch(source.lines(told)), self.options, self._check, on_problem
        )

    def _options_here(self, ports: Ports) -> BatchOptions:
        """Which batches are meant is known where they can be read."""
        from fanfold.cli.opening import find_batch
        from fanfold.domain.options import options_from

        if not self.after:
            return self.options
        after = [find_batch(ports, text).id for text in self.after]
        return options_from({**self.options.model_dump(), "after": after})

    def _opened(self, ports: Ports | None) -> Opened:
        if self.with_ports is None or ports is None:
            return self.source
        return self.with_ports(ports)

    def _check(self, data: Any) -> None:
        from fanfold.execution.validation import check_input

        check_input(self.found.flow, data)


def order(wanted: Wanted, places: tuple[str, ...], engine: str) -> Order:
    """Nothing is opened yet but the flow's own module."""
    from fanfold.domain.collection_query import SCHEME
    from fanfold.execution.library import Library
    from fanfold.sources.open import open_source
    from fanfold.sources.results import PREFIX

    options, source_format = _options_of(wanted), _format_of(wanted)
    found = Library(places).find(wanted.flow)
    texts, after = wanted.source, tuple(wanted.after or ())
    if not texts:
        source = _own_source(found, wanted, options.key, source_format)
        return Order(found, options, wanted.request_id, source, after, None)

    def with_ports(ports: Ports) -> Opened:
        from fanfold.cli.opening import find_batch
        from fanfold.steps.results_as_source import results_as_source

        return open_source(
            texts,
            source_format,
            key_field=options.key,
            results=lambda text: results_as_source(ports, find_batch(ports, text)),
            collections=ports.collections,
        )

    # What can be refused unread is refused here: before anything is brought up for the batch.
    source = open_source(
        texts,
        source_format,
        key_field=options.key,
        results=_to_come,
        collections=_ToCome() if engine == "google" else None,
    )
    late = with_ports if any(text.startswith((PREFIX, SCHEME)) for text in texts) else None
    return Order(found, options, wanted.request_id, source, after, late)


class _ToCome:
    def documents(self, _: CollectionQuery) -> Iterator[tuple[str, dict[str, Any]]]:
        return iter(())


def _to_come(text: str) -> Any:
    from fanfold.sources.results import PREFIX, Results

    return Results(PREFIX + text, "", lambda: iter(()))


def _options_of(wanted: Wanted) -> BatchOptions:
    from fanfold.cli.amounts import failures_of, seconds_of
    from fanfold.domain.options import options_from

    given: dict[str, Any] = {
        "concurrency": wanted.concurrency,
        "rate": wanted.rate,
        "error_policy": wanted.error_policy and wanted.error_policy.value,
        "max_failures": failures_of(wanted.max_failures),
        "max_spend": wanted.max_spend,
        "canary": wanted.canary,
        "interactive": wanted.interactive,
        "deadline": None if wanted.deadline is None else seconds_of("--deadline", wanted.deadline),
        "max_records": wanted.max_records,
        "shuffle": wanted.shuffle,
        "seed": wanted.seed,
        "priority_field": wanted.priority_field,
        "key": wanted.key,
        "unique_keys": wanted.unique_keys,
        "select": select_from(wanted.select or []),
        "parameters": parameters_from(wanted.params, wanted.param or []),
        "grid": grid_from(wanted.grid or []),
        "retries": wanted.retries,
        "timeout": wanted.timeout,
        "priority": wanted.priority,
        "after_on": "end" if wanted.after_any_end else None,
        "label": wanted.label,
        "tags": wanted.tag or [],
        "managers": wanted.manager or [],
        "monitors": wanted.monitor or [],
    }
    return options_from(given)


def _format_of(wanted: Wanted) -> SourceFormat:
    from fanfold.domain.source_format import source_format_from

    given: dict[str, Any] = {
        "format": wanted.format and wanted.format.value,
        "delimiter": wanted.delimiter,
        "columns": None if wanted.columns is None else wanted.columns.split(","),
        "header": not wanted.no_header,
        "pointer": wanted.pointer,
        "files": wanted.files and wanted.files.value,
    }
    return source_format_from(given)


def _own_source(found: Found, wanted: Wanted, key: str, source_format: SourceFormat) -> Opened:
    from fanfold.sources.open import open_items

    own = found.flow.source
    if own is None:
        raise SourceInvalid(
            f"flow {found.flow.name} has no source of its own. Name a file, or - for "
            f"standard input: fanfold run {wanted.flow} records.jsonl"
        )
    if source_format.in_words:
        raise SourceInvalid(
            f"the source of {found.flow.name} gives records: it takes no format "
            f"({source_format.in_words}). Name a source, or leave that out."
        )
    return open_items(own, f"the source of {found.flow.name}", key_field=key)
