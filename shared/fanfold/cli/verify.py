"""`fanfold verify`: count again, from the results themselves."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from fanfold.cli import parameters as given

if TYPE_CHECKING:
    from rich.console import Group

    from fanfold.domain.batch import Batch
from fanfold.domain.certificate import Certificate

EXAMPLE = "fanfold verify last"


def verify(batch: given.BatchName, engine: given.Engine = None, json: given.AsJson = False) -> int:
    """Count again, from the results: does the certificate hold?

    Sealed is what the source had, closed is what was counted while it ran, recounted is what lies
    in the store now. The digest says that the settled records are exactly the batch's: none is
    missing, none is there twice. Exits with 1 if it does not hold.
    """
    from fanfold.cli import exits
    from fanfold.cli.numbers import count
    from fanfold.cli.opening import opened_at
    from fanfold.cli.terminal import Terminal
    from fanfold.errors import Conflict
    from fanfold.steps.status import verify as recount

    terminal = Terminal()
    with opened_at(batch, engine) as (fanfold, found):
        if found.closed is None:
            raise Conflict(
                f"{found.id} is {found.state}: its counts are closed when it ends. "
                f"`fanfold wait {found.id}{given.flag_of(engine)}` waits for that"
            )
        with terminal.busy(f"counting {count(found.known_total, 'record')} again"):
            certificate = recount(fanfold.ports, found.id)
    if json:
        terminal.json({"batch_id": found.id, "holds": certificate.holds, **asdict(certificate)})
    else:
        terminal.show(_view(found, certificate))
    return exits.OK if certificate.holds else exits.FAILED


def _view(batch: Batch, it: Certificate) -> Group:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="bold")
    table.add_column("")
    for name in ("SEALED", "CLOSED", "RECOUNTED"):
        table.add_column(name, justify="right", min_width=12)
    closed = it.succeeded + it.failed + it.canceled + it.skipped
    table.add_row("records", f"{it.total:,}", f"{closed:,}", "")
    table.add_row("succeeded", "", f"{it.succeeded:,}", f"{it.recounted_succeeded:,}")
    table.add_row("failed", "", f"{it.failed:,}", f"{it.recounted_failed:,}")
    table.add_row("canceled", "", f"{it.canceled:,}", "")
    table.add_row("skipped", "", f"{it.skipped:,}", "")
    sealed = f"{it.expected_digest:x}" if it.whole else "(stopped)"
    table.add_row("digest", sealed, f"{it.digest:x}", f"{it.recounted_digest:x}")
    verdict = Text("HOLDS", "bold green") if it.holds else Text("DOES NOT HOLD", "bold red")
    return Group(Text(f"{batch.id}  {batch.flow.shown}  {batch.state}", "bold"), table, verdict)
