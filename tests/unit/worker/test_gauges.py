"""What a process reads of itself and of its machine."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fanfold.worker.gauges import SystemGauges, Unreadable

MIB = 1024 * 1024
NOWHERE = Path("nowhere")


def written(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A machine of 1000 kB, 400 of which are in use; the process is in group /a/b."""
    written(tmp_path / "proc/meminfo", "MemTotal: 1000 kB\nMemFree: 1 kB\nMemAvailable: 600 kB\n")
    written(tmp_path / "proc/self/cgroup", "4:memory:/elsewhere\n0::/a/b\n")
    return tmp_path / "proc"


@pytest.fixture
def cgroups(tmp_path: Path) -> Path:
    return tmp_path / "cgroups"


def group(path: Path, limit: str, current: int, files: int = 0) -> None:
    written(path / "memory.max", f"{limit}\n")
    written(path / "memory.current", f"{current}\n")
    written(path / "memory.stat", f"anon 1\ninactive_file {files}\nactive_file 7\n")


def test_a_process_that_takes_memory_reads_more() -> None:
    gauges = SystemGauges()
    before = gauges.resident()
    taken = bytearray(b"x" * (64 * MIB))
    assert gauges.resident() - before > 32 * MIB
    assert len(taken) == 64 * MIB


@pytest.mark.skipif(shutil.which("ps") is None, reason="there is no ps here")
def test_where_no_file_tells_it_ps_does() -> None:
    told, read = SystemGauges(proc=NOWHERE).resident(), SystemGauges().resident()
    assert read / 2 < told < read * 2


def test_where_neither_tells_it_the_way_out_is_said() -> None:
    with pytest.raises(Unreadable, match="Leave --max-memory out"):
        SystemGauges(proc=NOWHERE, ps="no-such-program").resident()


def test_without_a_container_the_machine_is_full_as_far_as_nothing_is_available(
    proc: Path, cgroups: Path
) -> None:
    assert SystemGauges(proc, cgroups).memory_share() == pytest.approx(0.4)


def test_a_container_is_full_by_its_own_limit(proc: Path, cgroups: Path) -> None:
    group(cgroups / "a/b", "200", 100)
    assert SystemGauges(proc, cgroups).memory_share() == pytest.approx(0.5)


def test_of_containers_in_one_another_the_fullest_counts(proc: Path, cgroups: Path) -> None:
    group(cgroups / "a/b", "200", 100)
    group(cgroups / "a", "100", 90)
    assert SystemGauges(proc, cgroups).memory_share() == pytest.approx(0.9)


def test_a_container_without_a_limit_is_none(proc: Path, cgroups: Path) -> None:
    group(cgroups / "a/b", "max", 100)
    assert SystemGauges(proc, cgroups).memory_share() == pytest.approx(0.4)


def test_files_that_were_read_and_can_be_dropped_fill_no_container(
    proc: Path, cgroups: Path
) -> None:
    group(cgroups / "a/b", "200", 190, files=90)
    assert SystemGauges(proc, cgroups).memory_share() == pytest.approx(0.5)


def test_where_nobody_tells_the_machine_s_share_a_size_is_suggested() -> None:
    with pytest.raises(Unreadable, match="Give --max-memory a size"):
        SystemGauges(proc=NOWHERE, cgroups=NOWHERE).memory_share()


def test_the_load_is_the_machine_s() -> None:
    assert SystemGauges().load() >= 0
