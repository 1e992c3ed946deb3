"""Import a user's code, or say in one line why that cannot be.

A file is loaded once per process, under a module name of its own that stays in sys.modules (pickle,
dataclasses and forward references look there), and its folder is put on the path, as `python
FILE` would, so that it can import its neighbours.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import re
import sys
import traceback
from pathlib import Path
from threading import RLock, local
from types import ModuleType

from fanfold.errors import FlowInvalid, FlowNotFound, UsageError

#: begins the module name of every loaded file
PREFIX = "fanfold_file_"
_MODULE = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_MAX_TEXT = 300

# one for all files: two threads must not load one file twice, and none may see it half loaded
_loading = RLock()
_under_way = local()


def names_file(place: str) -> bool:
    return place.endswith(".py") or "/" in place or os.sep in place


def absolute(place: str) -> str:
    """A file's place as it is stored; a module's place stays."""
    if not names_file(place):
        return place
    # without following links: what is deployed behind a link may move
    return os.path.abspath(Path(place).expanduser())  # noqa: PTH100  Path has no such function


def load(place: str) -> ModuleType:
    """The module at `place`, the path of a file or a dotted name."""
    before = being_loaded()
    _under_way.place = place
    try:
        return _load_file(place) if names_file(place) else _load_module(place)
    finally:
        _under_way.place = before


def being_loaded() -> str | None:
    """What this thread is importing just now, for whoever must not be called by an import."""
    place: str | None = getattr(_under_way, "place", None)
    return place


def _load_file(place: str) -> ModuleType:
    path = Path(absolute(place)).resolve()
    if not path.is_file():
        what = "is a folder, not a file" if path.is_dir() else "does not exist"
        raise FlowNotFound(f"{place} {what} (seen from {Path.cwd()}). Check the path.")
    digest = hashlib.sha256(str(path).encode(errors="surrogateescape")).hexdigest()[:12]
    stem = re.sub(r"\W", "_", path.stem)
    name = f"{PREFIX}{digest}_{stem}"
    with _loading:
        if name in sys.modules:
            return sys.modules[name]
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise FlowNotFound(f"{place} is not a Python file. Its name should end in .py.")
        if str(path.parent) not in sys.path:
            sys.path.insert(0, str(path.parent))
        importlib.invalidate_caches()
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except KeyboardInterrupt:
            del sys.modules[name]
            raise
        except BaseException as error:  # SystemExit too: a script without a main guard may exit
            sys.modules.pop(name, None)
            raise _refusal(place, error) from error
        return module


def _load_module(name: str) -> ModuleType:
    if not _MODULE.fullmatch(name):
        raise FlowNotFound(
            f"{name!r} is neither a file nor a module. Write flows.py:name or package.module:name."
        )
    importlib.invalidate_caches()
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        here = str(Path.cwd())
        if not _is_about(error, name) or here in sys.path or "" in sys.path:
            raise _refusal(name, error) from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise _refusal(name, error) from error
    # A console command does not have the current folder on its path, though its user expects it.
    # At the end, so that nothing here replaces what is installed.
    sys.path.append(here)
    return _load_module(name)


def _is_about(error: ModuleNotFoundError, name: str) -> bool:
    """Whether it is the module itself that is missing, not one that it imports."""
    missing = error.name or ""
    return name == missing or name.startswith(missing + ".")


def _refusal(place: str, error: BaseException) -> UsageError:
    if isinstance(error, ModuleNotFoundError):
        if _is_about(error, place):
            return FlowNotFound(
                f"there is no module {place} (seen from {Path.cwd()}). "
                "Is it installed in this environment?"
            )
        remedy = "Install it in this environment."
    elif names_file(place):
        remedy = f"`python {place}` shows the whole trace."
    else:
        remedy = f"`python -c 'import {place}'` shows the whole trace."
    reason = one_line(error)
    return FlowInvalid(f"{place} cannot be imported: {reason}{_line_of(error)}. {remedy}")


def one_line(error: BaseException) -> str:
    """`Type: message`, on one line and bounded."""
    try:
        text = error.msg if isinstance(error, SyntaxError) else str(error)
    except Exception:  # noqa: BLE001  an exception of a user's may fail at being printed
        text = "(its message cannot be printed)"
    text = " ".join(text.split()).rstrip(".")
    if len(text) > _MAX_TEXT:
        text = text[: _MAX_TEXT - 1] + "…"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _line_of(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f" ({error.filename}, line {error.lineno})"
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename != __file__ and "importlib" not in frame.filename
    ]
    if not frames:
        return ""
    # the first frame is the user's file; the last one in it is the line to look at
    line = [frame.lineno for frame in frames if frame.filename == frames[0].filename][-1]
    return f" ({frames[0].filename}, line {line})"
