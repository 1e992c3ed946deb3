"""What a function is installed with: pins of the lock, fanfold's wheel, and the user's own.

Of the lock those are taken that the functions need, with all that these need in turn, which the
lock's own comments tell (`# via`). The user's requirements are laid over them: what both name is
installed as pinned, if the user's wishes allow it, for it is what the functions were tried with.

Where everything has hashes pip checks them all. It does so for all or for nothing: with one line of
the user's without a hash, the file has none, and says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from fanfold.errors import OptionInvalid

#: extras of fanfold that the functions need
EXTRAS = ("google", "api")
_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==(\S+?)(?: ;(.*?))? *\\?$")
_VIA = re.compile(r"^ +#(?: via|  ) +([A-Za-z0-9][A-Za-z0-9._-]*)")


@dataclass(frozen=True, slots=True)
class Pin:
    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]
    #: whose requirement it is
    via: frozenset[str]

    def line(self, *, hashed: bool) -> str:
        marker = f" ; {self.marker}" if self.marker else ""
        text = f"{self.name}=={self.version}{marker}"
        return text + "".join(f" \\\n    --hash={it}" for it in self.hashes if hashed)


def pins_of(lock: str) -> list[Pin]:
    """As `uv pip compile` writes them."""
    found: list[Pin] = []
    name, version, marker = "", "", ""
    hashes: list[str] = []
    via: set[str] = set()

    def keep() -> None:
        if name:
            found.append(Pin(name, version, marker, tuple(hashes), frozenset(via)))

    for line in lock.splitlines():
        if (pin := _PIN.match(line)) is not None:
            keep()
            name, version = canonicalize_name(pin[1]), pin[2]
            marker = (pin[3] or "").strip()
            hashes, via = [], set()
        elif "--hash=" in line:
            hashes.append(line.strip().removeprefix("--hash=").removesuffix("\\").strip())
        elif (parent := _VIA.match(line)) is not None:
            via.add(canonicalize_name(parent[1]))
    keep()
    return found


def needed(pins: Sequence[Pin], roots: Iterable[str]) -> list[Pin]:
    """Those of the roots, and of all that they need."""
    taken: set[str] = {canonicalize_name(it) for it in roots}
    while True:
        more = {it.name for it in pins if it.via & taken} - taken
        if not more:
            return [it for it in pins if it.name in taken]
        taken |= more


def roots() -> list[str]:
    """What fanfold itself asks for, with the extras that the functions need."""
    asked = (Requirement(it) for it in requires("fanfold") or [])
    return [it.name for it in asked if it.marker is None or _is_ours(it)]


def _is_ours(requirement: Requirement) -> bool:
    assert requirement.marker is not None  # noqa: S101  the caller has looked
    return any(requirement.marker.evaluate({"extra": extra}) for extra in EXTRAS)


def merged(pins: Sequence[Pin], own: Path | None, wheel: Path) -> str:
    """The text of one requirements file, the same for the same input."""
    lines, hashed = ([], True) if own is None else _own(pins, own)
    names = {_name_of(it) for it in lines}
    told = "with hashes" if hashed else f"without hashes, for {own} has lines without"
    text = [f"# Made by `fanfold deploy`, {told}."]
    text += [it.line(hashed=hashed) for it in pins if it.name not in names]
    text += lines
    digest = sha256(wheel.read_bytes()).hexdigest()
    text.append(f"./{wheel.name}" + (f" \\\n    --hash=sha256:{digest}" if hashed else ""))
    return "\n".join(text) + "\n"


def _own(pins: Sequence[Pin], own: Path) -> tuple[list[str], bool]:
    """The user's lines that no pin stands for, and whether all have hashes."""
    pinned = {it.name: it for it in pins}
    lines: list[str] = []
    hashed = True
    for number, line in enumerate(_whole_lines(own), 1):
        bare = line.split(" --hash=")[0].strip()
        try:
            wish = Requirement(bare)
        except InvalidRequirement as error:
            raise OptionInvalid(f"{own}:{number}: {bare!r} is no requirement: {error}") from None
        pin = pinned.get(canonicalize_name(wish.name))
        if pin is None:
            lines.append(line)
            hashed = hashed and "--hash=" in line
        elif not wish.specifier.contains(pin.version, prereleases=True):
            raise OptionInvalid(
                f"{own}:{number}: {bare} and fanfold's pin {pin.name}=={pin.version} exclude each "
                "other. Allow that version"
            )
    if not hashed:
        lines = [it.split(" --hash=")[0].strip() for it in lines]
    return sorted(lines), hashed


def _whole_lines(own: Path) -> list[str]:
    """Without comments; a line that goes on behind a backslash is one."""
    try:
        text = own.read_text().replace("\\\n", " ")
    except OSError as error:
        raise OptionInvalid(f"{own}: {error.strerror or error}") from None
    bare = (re.sub(r"(^|\s)#.*$", "", line) for line in text.splitlines())
    return [" ".join(line.split()) for line in bare if line.strip()]


def _name_of(line: str) -> str:
    return str(canonicalize_name(Requirement(line.split(" --hash=")[0]).name))
