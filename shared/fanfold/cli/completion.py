"""What the shell offers for a batch, when Tab is pressed."""

from __future__ import annotations

_OFFERED = 50


def complete_batch(incomplete: str) -> list[tuple[str, str]]:
    from fanfold.cli.opening import LAST, opened_if_there
    from fanfold.errors import FanfoldError

    try:
        with opened_if_there() as fanfold:
            batches = [] if fanfold is None else fanfold.ports.batches.find(limit=_OFFERED)
    except FanfoldError:  # nothing to offer; the command itself will say why
        return []
    offers = [(batch.id, f"{batch.flow.name}, {batch.state}") for batch in batches]
    if batches:
        offers.append((LAST, "the newest"))
    return [offer for offer in offers if offer[0].startswith(incomplete)]
