"""`fanfold set`: change options of a batch while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from fanfold.cli import parameters as given

if TYPE_CHECKING:
    from fanfold.domain.batch import Batch

_LISTS = frozenset({"tags", "managers", "monitors", "after"})
EXAMPLE = "fanfold set last concurrency=50 rate=10/s max_failures=3% deadline=2h"


def set_(
    batch: given.BatchName,
    changes: Annotated[
        list[str],
        typer.Argument(
            metavar="OPTION=VALUE…",
            help="concurrency=50, rate=600/min, max_failures=20 or 3%, error_policy=stop, "
            "max_spend=20.50 dollars, deadline=2h from now; none for no rate, max_failures, "
            "max_spend, deadline. While it waits after=BATCH,BATCH or none, and after_on=success "
            "or end. At any time "
            "label=TEXT, tags=A,B, managers=A,B, monitors=A,B.",
        ),
    ],
    engine: given.Engine = None,
    json: given.AsJson = False,
) -> int:
    """Change options of a batch while it runs, and its label, its tags and its people at any time.

    What runs already goes on. A lower concurrency is reached as runs end, a lower rate within
    seconds; a budget that is spent already ends the batch at once. What a batch comes after can be
    changed as long as it waits.
    """
    from fanfold.cli import exits
    from fanfold.cli.opening import find_batch, opened_at
    from fanfold.cli.report import options_of
    from fanfold.cli.terminal import Terminal
    from fanfold.steps.change import change

    terminal = Terminal()
    wanted = dict(_change_of(text) for text in changes)
    with opened_at(batch, engine) as (fanfold, found):
        if "after" in wanted:
            wanted["after"] = [find_batch(fanfold.ports, it).id for it in wanted["after"]]
        changed = change(fanfold.ports, found.id, wanted)
    if json:
        terminal.json({"batch_id": changed.id, "status": changed.state, **_told(changed)})
    else:
        said = [f"{name} {value}" for name in ("label", "tags") if (value := _said(changed, name))]
        told = " · ".join([*said, *options_of(changed)])
        terminal.say(f"{changed.id} is {changed.state}: {told}")
    return exits.OK


def _change_of(text: str) -> tuple[str, Any]:
    from fanfold.cli.amounts import failures_of, seconds_of
    from fanfold.errors import OptionInvalid

    name, equals, value = text.partition("=")
    if not equals or not value:
        raise OptionInvalid(f"{text!r}: write OPTION=VALUE, as in {EXAMPLE.partition('last ')[2]}")
    if name in _LISTS:
        return name, [] if value == "none" else [it for it in value.split(",") if it]
    if value == "none":
        return name, None
    match name:
        case "deadline":
            return name, seconds_of("deadline", value)
        case "max_failures":
            return name, failures_of(value)
        case "max_spend":
            return name, _number(value)
        case "concurrency":
            return name, int(value) if value.isdecimal() else value
        case _:
            return name, value


def _number(text: str) -> Any:
    """Whatever is wrong with it the options will say."""
    try:
        return float(text)
    except ValueError:
        return text


def _said(batch: Batch, name: str) -> str:
    value = getattr(batch.options, name)
    return ", ".join(value) if isinstance(value, list) else value or ""


def _told(batch: Batch) -> dict[str, Any]:
    options = batch.options
    return {
        "concurrency": options.concurrency,
        "rate": options.rate,
        "max_failures": options.max_failures,
        "error_policy": options.error_policy,
        "max_spend": options.max_spend,
        "deadline_at": batch.deadline_at,
        "after": options.after,
        "after_on": options.after_on,
        "label": options.label,
        "tags": options.tags,
        "managers": options.managers,
        "monitors": options.monitors,
    }
