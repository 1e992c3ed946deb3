"""The status of a batch that has been seen before: should it be gone, there is a reason to tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fanfold.errors import BatchNotFound, FanfoldError

if TYPE_CHECKING:
    from fanfold.steps.status import Status
    from fanfold.wiring import Fanfold


class BatchVanished(FanfoldError):
    """It was there, and is no more, with its results. Create it again from its source."""


def status_again(fanfold: Fanfold, batch_id: str) -> Status:
    from fanfold.steps.status import status_of

    try:
        return status_of(fanfold.ports, batch_id)
    except BatchNotFound:
        named = fanfold.settings.firestore_emulator_host
        reason = (
            f"the Firestore emulator at {named} has been restarted, and keeps nothing"
            if fanfold.settings.engine == "google" and named
            else "somebody has deleted it"
        )
        raise BatchVanished(
            f"{batch_id} was there and is gone, with its results: {reason}. Create it again from "
            "its source"
        ) from None
