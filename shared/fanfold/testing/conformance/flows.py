"""Registered flows: kept once, changed in one transaction, listed page by page."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from fanfold.domain.registered import MADE, Registered
from fanfold.errors import FlowNotFound
from fanfold.testing.conformance.rig import Rig

NOWHERE = "00000000-0000-0000-0000-000000000000"


def a_flow(name: str, **changes: object) -> Registered:
    fields: dict[str, object] = {
        "name": name,
        "place": MADE + "{}",
        "title": f"The flow {name}",
        "keywords": ("some", "words"),
        "owner": "ann",
        "starters": ("all", "group:ops"),
        "created_at": 5.0,
        "updated_at": 5.5,
        **changes,
    }
    return Registered(**fields)  # type: ignore[arg-type]


class FlowsConformance:
    def test_a_flow_is_kept_as_it_is(self, rig: Rig) -> None:
        flow = a_flow("a", place=MADE + '{"title": "\u00e9 \U0001f600"}', description="x" * 60_000)
        assert rig.ports.flows.add(flow) == flow
        assert rig.other.flows.get(flow.id) == flow

    def test_one_that_is_added_again_is_one_and_the_first_stays(self, rig: Rig) -> None:
        first = rig.ports.flows.add(a_flow("a"))
        assert rig.other.flows.add(a_flow("a", title="another", owner="bob")) == first
        assert rig.ports.flows.find() == [first]

    def test_a_flow_that_is_not_there_is_not_found(self, rig: Rig) -> None:
        with pytest.raises(FlowNotFound, match=NOWHERE):
            rig.ports.flows.get(NOWHERE)
        with pytest.raises(FlowNotFound, match=NOWHERE):
            rig.ports.flows.amend(NOWHERE, lambda it: it)

    def test_they_are_listed_by_their_ids_page_by_page(self, rig: Rig) -> None:
        flows = [rig.ports.flows.add(a_flow(f"flow-{n}")) for n in range(6)]
        listed = rig.other.flows.find()
        assert {it.id for it in listed} == {it.id for it in flows}
        assert all(one.id < other.id for one, other in pairwise(listed))
        first = rig.ports.flows.find(limit=4)
        assert first + rig.ports.flows.find(limit=4, after=first[-1].id) == listed
        assert rig.ports.flows.find(after=listed[-1].id) == []

    def test_one_is_changed_in_one_step(self, rig: Rig) -> None:
        flow = rig.ports.flows.add(a_flow("a"))
        changed = rig.other.flows.amend(flow.id, lambda it: replace(it, title=it.title + "!"))
        assert changed == replace(flow, title="The flow a!")
        assert rig.ports.flows.get(flow.id) == changed

    def test_what_a_change_refuses_changes_nothing(self, rig: Rig) -> None:
        flow = rig.ports.flows.add(a_flow("a"))

        def refuse(_: Registered) -> Registered:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            rig.other.flows.amend(flow.id, refuse)
        assert rig.ports.flows.get(flow.id) == flow

    def test_one_that_is_removed_is_gone_and_may_be_removed_again(self, rig: Rig) -> None:
        gone, left = (rig.ports.flows.add(a_flow(name)) for name in "ab")
        rig.other.flows.remove(gone.id)
        rig.ports.flows.remove(gone.id)
        assert rig.ports.flows.find() == [left]
        assert rig.ports.flows.add(a_flow("a", owner="bob")).owner == "bob"
