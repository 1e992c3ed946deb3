"""The worker in a thread of this process."""

from __future__ import annotations

from pathlib import Path

import pytest

from fanfold.domain.flow import Flow
from fanfold.execution.library import Library
from fanfold.notebook.labor import Labor, LaborEnded
from fanfold.settings import Settings
from fanfold.testing.home import Home
from fanfold.testing.puppet import puppet
from fanfold.testing.working import until
from fanfold.wiring import open_fanfold

PLACE = "fanfold.testing.puppet:puppet"


def test_it_works_on_its_own_batch_and_on_no_other(home: Path) -> None:
    settings = Settings.from_env()
    with open_fanfold(settings) as fanfold:
        batches = Home(home, fanfold.ports)
        other = batches.create([{"do": "ok"}], PLACE)
        mine = batches.create([{"do": "ok"}], PLACE)
        labor = Labor(settings, mine, puppet, 2)
        labor.start()
        until(lambda: fanfold.ports.batches.get(mine.id).ended)
        labor.stop()
        labor.wait()
        assert batches.status(other).counts.settled == 0
        assert fanfold.ports.batches.get(other.id).is_open


def test_what_ends_it_is_raised_to_whoever_waits(home: Path) -> None:
    settings = Settings.from_env()
    with open_fanfold(settings) as fanfold:
        batch = Home(home, fanfold.ports).create([], PLACE)
    in_the_way = home.parent / "file"
    in_the_way.touch()
    labor = Labor(settings.model_copy(update={"home": in_the_way}), batch, flow_of(), 1)
    labor.start()
    with pytest.raises(Exception, match="cannot be used"):
        until(labor.check)  # it never says that all is well


def test_it_is_told_to_have_ended_where_nothing_was_raised(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings.from_env()
    with open_fanfold(settings) as fanfold:
        batch = Home(home, fanfold.ports).create([], PLACE)
    monkeypatch.setattr("fanfold.worker.worker.Worker.run", lambda _self: None)
    labor = Labor(settings, batch, flow_of(), 1)
    labor.start()
    labor.wait()
    with pytest.raises(LaborEnded, match="resume_batch"):
        labor.check()


def flow_of() -> Flow:
    return Library().find(PLACE).flow
