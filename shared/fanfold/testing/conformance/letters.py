"""Letters: kept once, listed newest first, brought back once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fanfold.domain.letter import MAX_BODY_BYTES, Fate, Letter, letter_id_for
from fanfold.errors import LetterNotFound
from fanfold.testing.conformance.rig import Rig

BATCH = "batch-aaaaaaaaaaaaaaaa"


def a_letter(name: str, at: float = 5.0, batch_id: str | None = BATCH) -> Letter:
    body = name.encode()
    return Letter(
        id=letter_id_for(name, "runs", body),
        origin="runs",
        reason="delivered too often",
        at=at,
        batch_id=batch_id,
        index=None if batch_id is None else 3,
        body=body,
        size=len(body),
        fate=Fate.FAILED,
        about="its record was settled as failed",
    )


class LettersConformance:
    def test_a_letter_is_kept_as_it_is(self, rig: Rig) -> None:
        letter = replace(a_letter("a"), body=b"\xff\x00" * (MAX_BODY_BYTES // 2), size=1 << 20)
        assert rig.ports.letters.keep(letter) == letter
        assert rig.other.letters.get(letter.id) == letter

    def test_one_that_says_little_is_kept_as_well(self, rig: Rig) -> None:
        letter = replace(a_letter("", batch_id=None), origin="", body=b"", size=0, fate=Fate.KEPT)
        rig.ports.letters.keep(letter)
        assert rig.other.letters.get(letter.id) == letter

    def test_one_that_is_kept_again_is_one_record_and_the_first_stays(self, rig: Rig) -> None:
        first = a_letter("a")
        rig.ports.letters.keep(first)
        later = replace(first, at=9.0, fate=Fate.LEFT, about="left: its run was settled already")
        assert rig.other.letters.keep(later) == first
        assert rig.ports.letters.find() == [first]

    def test_a_letter_that_is_not_there_is_not_found(self, rig: Rig) -> None:
        with pytest.raises(LetterNotFound, match="letter-none"):
            rig.ports.letters.get("letter-none")
        with pytest.raises(LetterNotFound, match="letter-none"):
            rig.ports.letters.mark("letter-none", 1.0)

    def test_they_are_listed_newest_first_page_by_page(self, rig: Rig) -> None:
        letters = [a_letter(f"{n}", at=float(n // 2)) for n in range(6)]
        for letter in letters:
            rig.ports.letters.keep(letter)
        listed = rig.other.letters.find()
        assert listed == sorted(letters, key=lambda it: (it.at, it.id), reverse=True)
        first = rig.ports.letters.find(limit=3)
        rest = rig.ports.letters.find(limit=9, before=first[-1].id)
        assert first + rest == listed
        assert rig.ports.letters.find(before=rest[-1].id) == []

    def test_those_of_one_batch_are_found_page_by_page(self, rig: Rig) -> None:
        mine = [a_letter(f"mine-{n}", at=float(n)) for n in range(3)]
        for letter in (
            *mine,
            a_letter("its", 1.0, "batch-bbbbbbbbbbbbbbbb"),
            a_letter("no", 1, None),
        ):
            rig.ports.letters.keep(letter)
        assert rig.other.letters.find(BATCH) == mine[::-1]
        assert rig.other.letters.find(BATCH, limit=1, before=mine[2].id) == [mine[1]]

    def test_one_that_is_forgotten_is_gone_and_may_be_forgotten_again(self, rig: Rig) -> None:
        gone, left = a_letter("a"), a_letter("b")
        for letter in (gone, left):
            rig.ports.letters.keep(letter)
        rig.other.letters.forget(gone.id)
        rig.ports.letters.forget(gone.id)
        assert rig.ports.letters.find() == [left]

    def test_it_is_marked_as_brought_back_once(self, rig: Rig) -> None:
        letter = a_letter("a")
        rig.ports.letters.keep(letter)
        assert rig.ports.letters.mark(letter.id, 7.0) == replace(letter, resurrected_at=7.0)
        assert rig.other.letters.mark(letter.id, 8.0).resurrected_at == 7.0
        assert rig.other.letters.keep(letter).resurrected_at == 7.0
        assert rig.other.letters.find() == [replace(letter, resurrected_at=7.0)]
