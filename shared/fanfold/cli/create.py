"""`fanfold create`: store a batch for workers to find."""

from __future__ import annotations

from fanfold.cli import parameters as given

EXAMPLE = "fanfold create flows.py:shout records.jsonl --label nightly"


def create(
    flow: given.FlowName,
    source: given.SourceName = None,
    max_records: given.MaxRecords = None,
    key: given.Key = "id",
    param: given.Param = None,
    params: given.Params = None,
    label: given.Label = None,
    tag: given.Tag = None,
    request_id: given.RequestId = None,
    concurrency: given.Concurrency = None,
    retries: given.Retries = None,
    timeout: given.Timeout = None,
    engine: given.Engine = None,
    json: given.AsJson = False,
    quiet: given.Quiet = False,
) -> int:
    """Store a batch and print its id. Whoever works finds it.

    Takes what `fanfold run` takes. `fanfold worker` and `fanfold attach` work on it.
    """
    from fanfold.cli import exits
    from fanfold.cli.creating import created
    from fanfold.cli.terminal import Terminal

    terminal = Terminal(quiet=quiet)
    with created(
        terminal,
        flow,
        source,
        engine=engine,
        threads=None,
        params=params,
        param=param or [],
        request_id=request_id,
        max_records=max_records,
        key=key,
        label=label,
        tags=tag or [],
        concurrency=concurrency,
        retries=retries,
        timeout=timeout,
    ) as it:
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
