"""What the shell offers when Tab is pressed.

It is quick and silent: whatever goes wrong, there is nothing to offer, and the command itself will
say why. So none of the user's code is run, no server is asked, and of Fanfold itself only the
little is loaded that the question needs.
"""

from __future__ import annotations

from collections.abc import Callable

import typer

Offers = list[tuple[str, str]]

_LAST = "last"
_OFFERED = 50


def complete_batch(context: typer.Context, incomplete: str) -> Offers:
    def offers() -> Offers:
        from fanfold.cli.offers import newest_batches

        batches = newest_batches(context.params, _OFFERED)
        if batches is None:
            return [(_LAST, "the newest")]
        found = [(it.id, f"{it.flow.name}, {it.state}") for it in batches]
        return [*found, (_LAST, "the newest")] if found else []

    return _beginning(incomplete, offers)


def complete_letter(context: typer.Context, incomplete: str) -> Offers:
    """Dead letters, with what became of them."""

    def offers() -> Offers:
        from fanfold.cli.offers import newest_letters

        found = [(it.id, it.about) for it in newest_letters(context.params, _OFFERED) or []]
        return [*found, (_LAST, "the newest")] if found else []

    return _beginning(incomplete, offers)


def complete_used_flow(context: typer.Context, incomplete: str) -> Offers:
    """Flows of which there are batches."""

    def offers() -> Offers:
        from fanfold.cli.offers import newest_batches

        return [(it.flow.name, "") for it in newest_batches(context.params, _OFFERED) or []]

    return _beginning(incomplete, offers)


def complete_flow(incomplete: str) -> Offers:
    def offers() -> Offers:
        from fanfold.cli.offers import flows_in_sight

        return flows_in_sight()

    return _beginning(incomplete, offers)


def complete_batch_status(incomplete: str) -> Offers:
    def offers() -> Offers:
        from fanfold.domain.batch import BatchState

        return [(str(state), "") for state in BatchState]

    return _beginning(incomplete, offers)


def complete_result_status(incomplete: str) -> Offers:
    def offers() -> Offers:
        from fanfold.domain.run import TERMINAL, RunState

        states = [it for it in RunState if it in TERMINAL or it is RunState.QUEUED]
        return [(str(state), "") for state in states]

    return _beginning(incomplete, offers)


def _beginning(incomplete: str, offers: Callable[[], Offers]) -> Offers:
    try:
        found = dict(offers())
    except Exception:  # noqa: BLE001  an error in the middle of a command line helps nobody
        return []
    return [(name, about) for name, about in found.items() if name.startswith(incomplete)]
