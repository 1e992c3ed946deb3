"""Flags of the form NAME=VALUE, and files of them: --param, --params, --grid and --select."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

from fanfold.errors import OptionInvalid


def parameters_from(file: Path | None, pairs: Iterable[str]) -> dict[str, Any]:
    """Those of the file, and then, one by one, those given as NAME=VALUE."""
    parameters = {} if file is None else _read(file)
    for pair in pairs:
        name, text = _split(pair, "--param", "NAME=VALUE, such as --param limit=5")
        parameters[name] = _value(text)
    return parameters


def grid_from(pairs: Iterable[str]) -> dict[str, list[Any]]:
    """NAME=V1,V2: each value JSON, or else text; or one JSON array, for values with commas."""
    grid: dict[str, list[Any]] = {}
    for pair in pairs:
        name, text = _split(pair, "--grid", "NAME=V1,V2, such as --grid model=small,large")
        if name in grid:
            raise OptionInvalid(f"--grid {pair}: {name} is given twice. Write all its values once")
        if not text.startswith("["):
            grid[name] = [_value(part) for part in text.split(",")]
            continue
        values = _value(text)
        if not isinstance(values, list):
            raise OptionInvalid(f"--grid {pair}: this is no JSON array. Write NAME='[1, 2]'")
        grid[name] = values
    return grid


def select_from(pairs: Iterable[str]) -> dict[str, str]:
    """NEW=PLACE; NAME alone is that field, as it is."""
    select: dict[str, str] = {}
    for pair in pairs:
        name, equals, place = pair.partition("=")
        if not name or (equals and not place):
            raise OptionInvalid(
                f"--select {pair}: write NEW=PLACE, such as --select text=body.text, or a name"
            )
        if name in select:
            raise OptionInvalid(f"--select {pair}: there is a {name} already. Name it otherwise")
        select[name] = place if equals else name
    return select


def _split(pair: str, flag: str, form: str) -> tuple[str, str]:
    name, equals, text = pair.partition("=")
    if not name or not equals:
        raise OptionInvalid(f"{flag} {pair}: write {form}")
    return name, text


def _value(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return text


def _read(file: Path) -> dict[str, Any]:
    try:
        parameters = json.loads(file.read_text(encoding="utf-8"), parse_constant=_refuse)
    except OSError as error:
        raise OptionInvalid(f"--params {file}: {error.strerror}. Name a JSON file") from None
    except json.JSONDecodeError as error:
        raise OptionInvalid(
            f"--params {file}:{error.lineno}: not JSON: {error.msg} (column {error.colno})"
        ) from None
    except (ValueError, RecursionError) as error:
        raise OptionInvalid(f"--params {file}: {error}") from None
    if not isinstance(parameters, dict):
        raise OptionInvalid(f'--params {file}: write one JSON object, such as {{"limit": 5}}')
    return parameters


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value; write null")
