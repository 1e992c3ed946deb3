"""One run to its result. How results are streamed is tested on an engine, which has real runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from fanfold import Result
from fanfold.domain.outcome import (
    Blame,
    Canceled,
    Failed,
    Failure,
    Outcome,
    Skipped,
    Succeeded,
    Value,
)
from fanfold.domain.run import RunState, state_of
from fanfold.domain.settling import Settled
from fanfold.engines.folder_blobs import FolderBlobs
from fanfold.errors import BlobNotFound
from fanfold.folds.stream import missing, result_of


@pytest.fixture
def blobs(tmp_path: Path) -> FolderBlobs:
    return FolderBlobs(tmp_path)


def of_run(outcome: Outcome, blobs: FolderBlobs) -> Result:
    return result_of(Settled(7, "k", state_of(outcome), None, outcome), blobs)


def test_an_output_is_given_as_it_was_stored(blobs: FolderBlobs) -> None:
    result = of_run(Succeeded(Value(text='{"a":1}')), blobs)
    assert result == Result(7, "k", RunState.SUCCEEDED, text='{"a":1}')


def test_an_output_in_its_own_row_is_given_as_it_is(blobs: FolderBlobs) -> None:
    run = Settled(7, "k", RunState.SUCCEEDED, '{"a":1}')
    assert result_of(run, blobs) == Result(7, "k", RunState.SUCCEEDED, text='{"a":1}')


def test_an_output_that_is_null_is_an_output(blobs: FolderBlobs) -> None:
    assert of_run(Succeeded(Value(text="null")), blobs).text == "null"


def test_a_large_output_is_fetched(blobs: FolderBlobs) -> None:
    text = '"' + "é" * 1_000_000 + '"'
    blobs.write("out", [text.encode()])
    assert of_run(Succeeded(Value(blob="out")), blobs).text == text


def test_a_large_output_that_is_gone_is_told(blobs: FolderBlobs) -> None:
    with pytest.raises(BlobNotFound):
        of_run(Succeeded(Value(blob="out")), blobs)


def test_a_failure_has_its_type_and_message(blobs: FolderBlobs) -> None:
    result = of_run(Failed(Failure(Blame.PERMANENT, "KeyError", "no price", "Traceback")), blobs)
    assert result == Result(
        7, "k", RunState.FAILED, error={"type": "KeyError", "message": "no price"}
    )


@pytest.mark.parametrize(
    ("outcome", "state", "kind"),
    [
        (Canceled("asked to"), RunState.CANCELED, "Canceled"),
        (Skipped("asked to"), RunState.SKIPPED, "Skipped"),
    ],
)
def test_what_never_ran_to_its_end_says_why(
    outcome: Outcome, state: RunState, kind: str, blobs: FolderBlobs
) -> None:
    assert of_run(outcome, blobs) == Result(
        7, "k", state, error={"type": kind, "message": "asked to"}
    )


@pytest.mark.parametrize(
    ("state", "kind"), [(RunState.CANCELED, "Canceled"), (RunState.SKIPPED, "Skipped")]
)
def test_a_record_without_a_document_has_its_slot_and_a_reason(state: RunState, kind: str) -> None:
    assert missing(7, "k", state, "enough") == Result(
        7, "k", state, error={"type": kind, "message": "enough"}
    )
    unexplained = missing(7, "k", state).error
    assert unexplained == {"type": kind, "message": f"{state} before its run"}


def test_a_record_whose_result_is_to_come_has_no_error() -> None:
    assert missing(7, "k", RunState.QUEUED) == Result(7, "k", RunState.QUEUED)
