"""The flow of a fold's pages, where they are a batch of their own (steps.fold_pages)."""

from __future__ import annotations

import json
from typing import Any

from fanfold.domain.flow import Flow, described
from fanfold.errors import FlowInvalid
from fanfold.execution.context import Context
from fanfold.folds.trees import Tree


def page_flow(whole: Flow) -> Flow:
    """It folds a stretch of the results. It runs among others, as folds do, whatever the flow's own
    isolation."""
    fold = whole.fold
    if not isinstance(fold, Tree):
        raise FlowInvalid(f"flow {whole.name} has no fold of pages any more")

    def fold_page(page: dict[str, int], ctx: Context) -> Any:
        return json.loads(fold.partial(ctx.durable.results(page["start"], page["stop"])))

    return described(fold_page, Flow, id=whole.name, version=whole.version, retries=2, timeout=None)
