from __future__ import annotations

from typing import Any

import pytest

from fanfold.errors import OptionInvalid
from fanfold.folds.dotted import place_at

OUTPUT: dict[str, Any] = {
    "label": "tea",
    "details": {"score": 0.5, "0": "a key"},
    "items": [{"name": "x"}],
}


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("label", "tea"),
        ("details.score", 0.5),
        ("items.0.name", "x"),
        ("details.0", "a key"),
        (".", OUTPUT),
    ],
)
def test_a_place_is_followed_into_objects_and_lists(place: str, value: Any) -> None:
    assert place_at(place).of(OUTPUT) == value


@pytest.mark.parametrize(
    "place", ["absent", "label.length", "items.1", "items.-1", "items.name", "items.²", "label.0"]
)
def test_where_nothing_is_there_is_none(place: str) -> None:
    assert place_at(place).of(OUTPUT) is None


@pytest.mark.parametrize("text", ["", "..", "a.", ".a", "a..b"])
def test_what_is_no_place_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(OptionInvalid, match=r"no place in an output\. Write it like label"):
        place_at(text)
