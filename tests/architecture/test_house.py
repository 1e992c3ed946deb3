"""The house rules that a formatter cannot check."""

from __future__ import annotations

import re
from pathlib import Path

LIMIT = 400

#: Files longer than the limit, by their path in the repository, and why each is better whole.
LONGER_FOR_A_REASON: dict[str, str] = {}

# Written so that this line does not find itself.
OF_A_MACHINE = re.compile(r"(?<![\w.:/-])/(?:work|root|(?:home|Users)/\w+)/")
OF_THE_REGISTRY = re.compile(r"py[p]i\.org|python[h]osted\.org")


def lines_of(path: Path) -> list[str]:
    """The lines of a text file; none for a file that is not text, such as an image."""
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        return []


def found(pattern: re.Pattern[str], files: list[Path], root: Path) -> list[str]:
    return [
        f"{path.relative_to(root)}:{number}: {line.strip()}"
        for path in files
        for number, line in enumerate(lines_of(path), start=1)
        if pattern.search(line)
    ]


def test_one_concept_fits_one_file(root: Path, shipped_modules: list[Path]) -> None:
    lengths = {str(path.relative_to(root)): len(lines_of(path)) for path in shipped_modules}
    long = {name: length for name, length in lengths.items() if length > LIMIT}

    unexplained = {name: length for name, length in long.items() if name not in LONGER_FOR_A_REASON}
    assert unexplained == {}, f"more than {LIMIT} lines: split the file, or write down the reason"

    outlived = [name for name in LONGER_FOR_A_REASON if name not in long]
    assert outlived == [], "no longer long: drop the reason"


def test_no_file_knows_the_machine_it_was_written_on(root: Path, own_files: list[Path]) -> None:
    assert found(OF_A_MACHINE, own_files, root) == []


def test_no_file_says_where_packages_come_from(root: Path, own_files: list[Path]) -> None:
    """A mirror or a closed network is as good: the machine that installs has its own settings."""
    assert found(OF_THE_REGISTRY, own_files, root) == []
