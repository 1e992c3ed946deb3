from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from fanfold.domain import batch as module
from fanfold.domain.batch import (
    ENDED,
    OPEN,
    TRANSITIONS,
    Batch,
    BatchState,
    Claim,
    Ending,
    close,
    end,
    expected_digest,
    pause,
    refold,
    resume,
    seal,
    start,
    stop,
    verdict,
)
from fanfold.domain.certificate import Certificate
from fanfold.domain.digest import digest_of
from fanfold.domain.finalizing import begin_fold, claim_again, renew_claim
from fanfold.domain.flow import FlowRef
from fanfold.domain.following import wait
from fanfold.domain.generation import Chosen
from fanfold.domain.options import BatchOptions
from fanfold.domain.outcome import Blame, Failure, Value
from fanfold.domain.paging import move_checkpoint
from fanfold.domain.retrying import retry
from fanfold.domain.source import Checkpoint, Source, advance_checkpoint
from fanfold.domain.tally import Tally
from fanfold.errors import Contended, IllegalTransition

CANCEL = Ending(BatchState.CANCELED, "no longer needed")
FATAL = Ending(BatchState.FAILED, "the key was refused")
CHOSEN = Chosen(1, digest_of(2, 3), "--failed")
CLAIM = Claim("finalizer-1", until=100.0)
#: of three records that succeeded
HOLDS = Certificate(
    total=3, succeeded=3, failed=0, canceled=0, skipped=0,
    digest=digest_of(0, 3), expected_digest=digest_of(0, 3),
    recounted_succeeded=3, recounted_failed=0, recounted_digest=digest_of(0, 3),
    at=4.0, whole=True,
)  # fmt: skip


def pending(records: int = 3) -> Batch:
    """A batch of which all records are paged, and nothing else has happened."""
    return Batch(
        id="batch-aaaaaaaaaaaaaaaa",
        flow=FlowRef("shout", "1", "flows.py:shout"),
        source=Source("blob", "records.jsonl"),
        options=BatchOptions(),
        request_digest="",
        created_at=1.0,
        checkpoint=advance_checkpoint(Checkpoint(), records, offset=60, lines=records),
    )


def running(records: int = 3) -> Batch:
    return start(pending(records), 2.0)


def sealed(records: int = 3) -> Batch:
    batch = running(records)
    return seal(batch, batch.checkpoint)


def closed(tally: Tally, ending: Ending | None = None) -> Batch:
    batch = sealed() if ending is None else stop(sealed(), ending)
    return close(batch, tally, CLAIM, 3.0)


def in_state(state: BatchState) -> Batch:
    match state:
        case BatchState.PENDING:
            return pending()
        case BatchState.RUNNING:
            return sealed()
        case BatchState.PAUSED:
            return pause(sealed())
        case BatchState.CANCELING:
            return stop(sealed(), CANCEL)
        case BatchState.FINALIZING:
            return closed(Tally(succeeded=3))
        case _:
            return end(closed(Tally(succeeded=3)), state, 4.0, certificate=HOLDS)


ARROWS: dict[str, Callable[[Batch], Batch]] = {
    "start": lambda batch: start(batch, 9.0),
    "pause": pause,
    "resume": resume,
    "wait": wait,
    "stop": lambda batch: stop(batch, FATAL),
    "close": lambda batch: close(batch, Tally(succeeded=3), CLAIM, 9.0),
    "end": lambda batch: end(batch, BatchState.COMPLETED, 9.0),
    "refold": lambda batch: refold(batch, 1, Value("1")),
    "retry": lambda batch: retry(batch, 1, CHOSEN, Tally(succeeded=2), "order", BatchOptions()),
}
#: An arrow that finds its work done: the batch stays as it is.
REPEATED = {
    (BatchState.RUNNING, "start"),
    (BatchState.PAUSED, "start"),
    (BatchState.PAUSED, "pause"),
    (BatchState.RUNNING, "resume"),
    (BatchState.CANCELING, "stop"),
}


# ---------------------------------------------------------------- the drawing


def drawing() -> str:
    assert module.__doc__ is not None
    return module.__doc__.split("| state")[0].split("\n\n", 1)[1]


def test_the_drawing_names_the_states_and_arrows_of_the_table_and_no_others() -> None:
    arrows = {arrow for arrows in TRANSITIONS.values() for arrow in arrows}
    assert set(re.findall(r"\w+", drawing())) == {*BatchState, *arrows}


def test_every_arrow_that_is_drawn_is_in_the_table() -> None:
    text = drawing()
    drawn = re.findall(r"(?=(?<!\| )\b((?:\w+ \| )*\w+) ──(\w+)──▶ ((?:\w+ \| )*\w+))", text)
    assert [sources for sources, _, _ in drawn] == [
        "pending",
        "finalizing",
        "completed | failed",
        "completed | failed | canceled | expired | skipped",
        "paused",
    ]
    for sources, arrow, targets in drawn:
        assert {it for it, arrows in TRANSITIONS.items() if arrow in arrows} == {
            BatchState(it) for it in sources.split(" | ")
        }
        for source in sources.split(" | "):
            assert TRANSITIONS[BatchState(source)][arrow] == {
                BatchState(it) for it in targets.split(" | ")
            }

    ((left, right, there, back),) = re.findall(r"(\w+) ⇄ (\w+) +\((\w+), (\w+)\)", text)
    assert TRANSITIONS[BatchState(left)][there] == {right}
    assert TRANSITIONS[BatchState(right)][back] == {left}

    ((arrow, target),) = re.findall(r"(\w+) ▶ (\w+)", text)
    closing = [state for state, arrows in TRANSITIONS.items() if arrow in arrows]
    assert closing == [BatchState.RUNNING, BatchState.PAUSED, BatchState.CANCELING]
    assert all(TRANSITIONS[state][arrow] == {target} for state in closing)


def test_the_table_in_words_has_a_row_for_every_state() -> None:
    assert module.__doc__ is not None
    rows = re.findall(r"^\| (\w+) +\|", module.__doc__, re.MULTILINE)[1:]
    assert {*rows} - {"ended"} == {*BatchState} - ENDED
    assert "ended" in rows


def test_within_its_generation_an_ended_batch_has_no_way_out_but_its_fold_may_be_called_again() -> (
    None
):
    ways_out = {state: TRANSITIONS[state] for state in ENDED}
    assert {arrow for arrows in ways_out.values() for arrow in arrows} == {"refold", "retry"}
    for arrows in ways_out.values():
        assert arrows.get("refold", frozenset()) <= ENDED
        assert arrows["retry"] == {BatchState.PENDING}
    assert all(TRANSITIONS[state] for state in BatchState if state not in ENDED)


# ------------------------------------------------------------------ the arrows


@pytest.mark.parametrize("state", BatchState)
@pytest.mark.parametrize("arrow", ARROWS)
def test_an_arrow_leads_where_the_table_says_or_nowhere(state: BatchState, arrow: str) -> None:
    before = in_state(state)
    assert before.state is state
    if (state, arrow) in REPEATED:
        assert ARROWS[arrow](before) is before
    elif arrow in TRANSITIONS[state]:
        assert ARROWS[arrow](before).state in TRANSITIONS[state][arrow]
    else:
        with pytest.raises(IllegalTransition, match=f"is {state}: it cannot {arrow}"):
            ARROWS[arrow](before)


@pytest.mark.parametrize("state", [it for it in BatchState if it not in ENDED])
def test_a_batch_cannot_end_in_a_state_that_is_no_end(state: BatchState) -> None:
    with pytest.raises(IllegalTransition, match=f"cannot end as {state}"):
        end(in_state(BatchState.FINALIZING), state, 9.0)


def test_a_repeated_start_keeps_the_time_of_the_first() -> None:
    assert start(start(pending(), 2.0), 5.0).started_at == 2.0


def test_the_first_ending_wins() -> None:
    assert stop(stop(running(), CANCEL), FATAL).ending == CANCEL


def test_results_may_land_only_in_an_open_batch() -> None:
    assert {state for state in BatchState if in_state(state).is_open} == OPEN


def test_a_batch_is_ended_only_in_its_last_states() -> None:
    assert {state for state in BatchState if in_state(state).ended} == ENDED


def test_the_end_is_written_whole() -> None:
    batch = begin_fold(closed(Tally(succeeded=3)))
    failure = Failure(Blame.ERROR, "ValueError", "the fold raised")
    ended = end(batch, BatchState.FAILED, 9.0, failure)
    assert (ended.claim, ended.ended_at, ended.failure) == (None, 9.0, failure)
    assert end(batch, BatchState.COMPLETED, 9.0, output=Value("1")).output == Value("1")


# --------------------------------------------------------------------- closing


def test_a_batch_closes_when_every_record_is_settled() -> None:
    batch = close(sealed(), Tally(succeeded=2, failed=1, digest=5), CLAIM, 9.0)
    assert batch.closed == Tally(succeeded=2, failed=1, digest=5)
    assert (batch.claim, batch.closed_at, batch.total) == (CLAIM, 9.0, 3)


@pytest.mark.parametrize("settled", [0, 2, 4])
def test_a_batch_whose_sum_is_not_its_total_does_not_close(settled: int) -> None:
    with pytest.raises(IllegalTransition, match="not settled"):
        close(sealed(), Tally(succeeded=settled), CLAIM, 9.0)


def test_a_batch_that_may_get_more_records_does_not_close() -> None:
    """Settled equals paged for a moment, again and again, while the source is still read."""
    with pytest.raises(IllegalTransition, match="not settled"):
        close(running(), Tally(succeeded=3), CLAIM, 9.0)


def test_the_rest_of_a_canceled_batch_is_canceled() -> None:
    batch = closed(Tally(succeeded=1, canceled=1), CANCEL)
    assert batch.closed == Tally(succeeded=1, canceled=2)
    assert verdict(batch) is BatchState.CANCELED


@pytest.mark.parametrize("state", [BatchState.FAILED, BatchState.EXPIRED])
def test_the_rest_of_a_batch_that_was_stopped_otherwise_is_skipped(state: BatchState) -> None:
    batch = closed(Tally(failed=1), Ending(state, "enough"))
    assert batch.closed == Tally(failed=1, skipped=2)
    assert verdict(batch) is state


def test_a_stopped_batch_closes_with_what_was_paged_as_its_total() -> None:
    batch = close(stop(running(), CANCEL), Tally(succeeded=1), CLAIM, 9.0)
    assert (batch.total, batch.closed) == (3, Tally(succeeded=1, canceled=2))


def test_a_batch_stopped_before_its_first_page_closes_empty() -> None:
    batch = replace(pending(), checkpoint=Checkpoint())
    assert close(stop(batch, CANCEL), Tally(), CLAIM, 9.0).closed == Tally()


def test_nothing_waits_in_a_closed_batch() -> None:
    batch = closed(Tally(succeeded=1, waits=5, woken=3), CANCEL)
    assert batch.closed is not None
    assert batch.closed.waiting == 0


# ------------------------------------------------------------------ the verdict


@pytest.mark.parametrize(
    ("tally", "state"),
    [
        (Tally(succeeded=3), BatchState.COMPLETED),
        (Tally(succeeded=1, failed=2), BatchState.COMPLETED),
        (Tally(failed=3), BatchState.FAILED),
    ],
)
def test_a_batch_of_which_everything_failed_has_failed(tally: Tally, state: BatchState) -> None:
    assert verdict(closed(tally)) is state


def test_an_empty_batch_completes() -> None:
    batch = start(replace(pending(), checkpoint=Checkpoint()), 2.0)
    batch = close(seal(batch, batch.checkpoint), Tally(), CLAIM, 9.0)
    assert (batch.total, verdict(batch)) == (0, BatchState.COMPLETED)


def test_a_stopped_batch_becomes_what_it_was_stopped_for_though_all_succeeded() -> None:
    assert verdict(closed(Tally(succeeded=3), CANCEL)) is BatchState.CANCELED


# ------------------------------------------------- paging, sealing, finalizing


def test_a_checkpoint_advances_with_its_page() -> None:
    first = advance_checkpoint(Checkpoint(), 500, offset=9000, lines=510)
    second = advance_checkpoint(first, 20, offset=9400, lines=20)
    assert (second.pages, second.records, second.offset, second.line) == (2, 520, 9400, 530)
    assert second.digest == digest_of(0, 520)


def test_two_fan_outs_cannot_both_append_the_same_page() -> None:
    before = pending().checkpoint
    after = advance_checkpoint(before, 2, offset=100, lines=2)
    moved = move_checkpoint(running(), before, after)
    assert moved.known_total == 5
    with pytest.raises(Contended, match="has moved on"):
        move_checkpoint(moved, before, after)


def test_a_sealed_batch_takes_no_page() -> None:
    before = sealed().checkpoint
    with pytest.raises(Contended):
        move_checkpoint(sealed(), before, advance_checkpoint(before, 1, offset=99, lines=1))


def test_a_stopped_batch_takes_no_page_and_no_seal() -> None:
    batch = stop(running(), CANCEL)
    after = advance_checkpoint(batch.checkpoint, 1, offset=99, lines=1)
    with pytest.raises(IllegalTransition, match="takes no more records"):
        move_checkpoint(batch, batch.checkpoint, after)
    with pytest.raises(IllegalTransition, match="takes no more records"):
        seal(batch, batch.checkpoint)


def test_the_seal_makes_the_total_exact_and_is_repeatable() -> None:
    batch = running()
    assert (batch.sealed, batch.known_total) == (False, 3)
    batch = seal(batch, batch.checkpoint)
    assert (batch.sealed, batch.total) == (True, 3)
    assert expected_digest(batch) == digest_of(0, 3)
    assert seal(batch, Checkpoint()) is batch


def test_whoever_seals_from_an_older_checkpoint_is_told_to_read_again() -> None:
    with pytest.raises(Contended):
        seal(running(), Checkpoint())


def test_a_living_claim_stands_and_an_ended_one_is_taken_over() -> None:
    batch = in_state(BatchState.FINALIZING)
    other = Claim("finalizer-2", until=200.0)
    assert claim_again(batch, other, now=99.0).claim == CLAIM
    assert claim_again(batch, other, now=100.0).claim == other


def test_a_finalizer_renews_its_own_claim() -> None:
    renewed = replace(CLAIM, until=150.0)
    assert claim_again(in_state(BatchState.FINALIZING), renewed, now=50.0).claim == renewed


def test_who_has_lost_its_claim_does_not_renew_it() -> None:
    batch = in_state(BatchState.FINALIZING)
    assert renew_claim(batch, replace(CLAIM, until=150.0)).claim == replace(CLAIM, until=150.0)
    assert renew_claim(batch, Claim("finalizer-2", until=150.0)) is batch


def test_an_ended_batch_is_nobodys() -> None:
    ended = in_state(BatchState.COMPLETED)
    assert renew_claim(ended, replace(CLAIM, until=150.0)) is ended


def test_a_fold_is_counted_before_it_is_tried() -> None:
    assert begin_fold(begin_fold(in_state(BatchState.FINALIZING))).fold_attempts == 2


# --------------------------------------------------------------- folding again


def failed_by_its_fold(tally: Tally, **changes: object) -> Batch:
    failure = Failure(Blame.ERROR, "KeyError", "the fold failed: 'price'")
    ended = end(closed(tally), BatchState.FAILED, 4.0, failure, certificate=HOLDS)
    return replace(ended, **changes)  # type: ignore[arg-type]


def test_a_batch_that_its_fold_failed_becomes_what_its_counts_say() -> None:
    batch = failed_by_its_fold(Tally(succeeded=1, failed=2))
    folded = refold(batch, 1, Value("7"))
    assert (folded.state, folded.output, folded.failure) == (BatchState.COMPLETED, Value("7"), None)
    assert (folded.certificate, folded.ended_at) == (HOLDS, 4.0), "no record was run"


def test_a_batch_of_which_everything_failed_stays_failed_whatever_its_fold_makes() -> None:
    folded = refold(failed_by_its_fold(Tally(failed=3)), 1, Value("7"))
    assert (folded.state, folded.output) == (BatchState.FAILED, Value("7"))


def test_what_was_folded_of_an_older_generation_is_not_kept() -> None:
    with pytest.raises(Contended, match="has been run again"):
        refold(failed_by_its_fold(Tally(succeeded=3), generation=2), 1, Value("7"))


def test_a_batch_that_was_stopped_is_not_folded_again() -> None:
    stopped = end(closed(Tally(succeeded=1), FATAL), BatchState.FAILED, 4.0, certificate=HOLDS)
    with pytest.raises(IllegalTransition, match="was stopped: the key was refused"):
        refold(stopped, 1, Value("7"))


@pytest.mark.parametrize("certificate", [None, replace(HOLDS, recounted_succeeded=2)])
def test_what_cannot_be_believed_is_not_folded_again(certificate: Certificate | None) -> None:
    with pytest.raises(IllegalTransition, match="does not hold"):
        refold(failed_by_its_fold(Tally(succeeded=3), certificate=certificate), 1, Value("7"))
