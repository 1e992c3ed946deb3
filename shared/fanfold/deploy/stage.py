"""From a checkout and the user's flows to the folders and archives that functions are built of.

    build/functions/<name>/      main.py, the wheel, one requirements.txt, the user's flows
    build/functions/<name>.zip   the same; the same input gives the same bytes
    build/functions/worker/      for workers that pull: a Dockerfile instead of main.py

The user's flows are modules: a file `flows.py` is staged beside `main.py` and named `flows`, a
package likewise. Where they lie in the user's own checkout does not matter there.
"""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import fanfold
from fanfold.deploy import requirements, wheel
from fanfold.errors import OptionInvalid
from fanfold.local.functions import sources

#: of every entry of an archive: when it was made is nobody's business
_EPOCH = (1980, 1, 1, 0, 0, 0)
_MODE = 0o644 << 16
_LEFT_OUT = re.compile(r"(^|/)(__pycache__|\.[^/]*)(/|$)|\.pyc$")
_MODULE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
WORKER = "worker"
_DOCKERFILE = """\
FROM python:3.11-slim
WORKDIR /app
COPY . .
RUN pip install --no-cache-dir -r requirements.txt
USER 65534
ENV HOME=/tmp PYTHONPATH=/app PYTHONUNBUFFERED=1
CMD ["fanfold", "worker", "--grace", "8s"]
"""


@dataclass(frozen=True, slots=True)
class Staged:
    folder: Path
    #: FANFOLD_FLOWS of the functions
    flows: str
    #: of each function's archive
    digests: dict[str, str]


def stage(
    into: Path,
    flows: Sequence[Path] = (),
    modules: Sequence[str] = (),
    own: Path | None = None,
    given: Path | None = None,
    lock: Path | None = None,
) -> Staged:
    """`flows`: files and packages of the user's; `modules`: those that are installed anyway;
    `own`: the user's requirements; `given`: a wheel that is built already."""
    names = [*modules, *(_module_of(it) for it in flows)]
    built = wheel.built(into.parent / "wheel", given)
    text = requirements.merged(
        requirements.needed(requirements.pins_of(_lock(lock)), requirements.roots()), own, built
    )
    if into.exists():
        shutil.rmtree(into)
    digests: dict[str, str] = {}
    for name, main in sources().items():
        folder = into / name
        _fill(folder, built, text, flows)
        shutil.copy(main, folder / "main.py")
        digests[name] = _packed(folder, into / f"{name}.zip")
    _fill(into / WORKER, built, text, flows)
    (into / WORKER / "Dockerfile").write_text(_DOCKERFILE)
    return Staged(into, ":".join(names), digests)


def _lock(given: Path | None) -> str:
    """Of this checkout, or as the wheel has brought it."""
    root = wheel.checkout()
    package = Path(fanfold.__file__).resolve().parent
    path = given or (package / "_requirements.lock" if root is None else root / "requirements.lock")
    if not path.is_file():
        raise OptionInvalid(f"{path} is not there. Name fanfold's requirements.lock with --lock")
    return path.read_text()


def _fill(folder: Path, built: Path, text: str, flows: Sequence[Path]) -> None:
    folder.mkdir(parents=True)
    shutil.copy(built, folder / built.name)
    (folder / "requirements.txt").write_text(text)
    for it in flows:
        if it.is_dir():
            shutil.copytree(it, folder / it.name, ignore=_left_out)
        else:
            shutil.copy(it, folder / it.name)


def _left_out(_: str, names: list[str]) -> list[str]:
    return [it for it in names if _LEFT_OUT.search(it)]


def _module_of(path: Path) -> str:
    """How a file or a package is imported from beside `main.py`."""
    if not path.exists():
        raise OptionInvalid(f"{path} is not there. Name a file or a package that has flows")
    name = path.name if path.is_dir() else path.stem
    is_package = path.is_dir() and (path / "__init__.py").exists()
    if not _MODULE.fullmatch(name) or not (is_package or path.suffix == ".py"):
        raise OptionInvalid(f"{path} is no module: name a .py file, or a folder with __init__.py")
    if name in ("main", "fanfold"):
        raise OptionInvalid(f"{path}: a function has a {name} of its own. Call it otherwise")
    return name


def _packed(folder: Path, archive: Path) -> str:
    """Its digest. Sorted, and without times, owners and modes: the same files, the same bytes."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(it for it in folder.rglob("*") if it.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _EPOCH)
            entry.external_attr = _MODE
            entry.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(entry, path.read_bytes())
    return sha256(archive.read_bytes()).hexdigest()
