"""A letter's id derives from its message, however that was delivered."""

from __future__ import annotations

import re

from fanfold.domain.letter import letter_id_for


def test_pushed_or_pulled_it_is_the_same_letter() -> None:
    pulled = letter_id_for("123", "runs", b"body")
    assert letter_id_for("projects/p/subscriptions/s/123", "runs", b"body") == pulled
    assert re.fullmatch("letter-[a-z2-7]{16}", pulled)


def test_another_message_is_another_letter() -> None:
    one = letter_id_for("123", "runs", b"body")
    assert letter_id_for("124", "runs", b"body") != one
    assert letter_id_for("123", "fan-out", b"body") != one


def test_what_has_no_name_is_told_apart_by_what_it_says() -> None:
    one = letter_id_for("", "runs", b"body")
    assert letter_id_for("", "runs", b"body") == one
    assert letter_id_for("", "runs", b"bodies") != one
