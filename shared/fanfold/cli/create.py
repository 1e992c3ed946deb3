"""`fanfold create`: store a batch for workers to find."""

from __future__ import annotations

from fanfold.cli import parameters as given
from fanfold.cli.wanted import Wanted, taking_wanted

EXAMPLE = "fanfold create flows.py:shout records.jsonl --label nightly"


@taking_wanted
def create(
    wanted: Wanted,
    engine: given.Engine = None,
    json: given.AsJson = False,
    quiet: given.Quiet = False,
) -> int:
    """Store a batch and print its id. Whoever works finds it.

    Takes what `fanfold run` takes. `fanfold worker` and `fanfold attach` work on it.
    """
    from fanfold.cli import exits
    from fanfold.cli.checking import check
    from fanfold.cli.creating import created
    from fanfold.cli.terminal import Terminal

    terminal = Terminal(quiet=quiet)
    if wanted.check:
        return check(terminal, wanted, engine=engine, json=json)
    with created(terminal, wanted, engine=engine, threads=None) as it:
        batch, flag = it.batch, given.flag_of(engine)
        if json:
            terminal.json({"batch_id": batch.id})
        else:
            terminal.data(batch.id)
        if not batch.ended:
            if it.elsewhere is not None:
                terminal.say(f"worked on by {it.elsewhere.who}")
                terminal.say(f"watch it: fanfold attach {batch.id}{flag}")
            else:
                terminal.say(f"work on it: fanfold worker --until-idle{flag}")
                terminal.say(f"or watch it, too: fanfold attach {batch.id}{flag}")
        return exits.OK
