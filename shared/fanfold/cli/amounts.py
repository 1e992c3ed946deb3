"""Amounts as people write them: `64MiB`, `80%`, `30s`."""

from __future__ import annotations

import re

from fanfold.domain.amounts import SIZES, bytes_of
from fanfold.errors import OptionInvalid

_SHARE = re.compile(r"(\d+(?:\.\d+)?) ?%")
_TIME = re.compile(r"(\d+(?:\.\d+)?) ?(s|m|h|d)?")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def size_of(option: str, text: str, forms: str = SIZES) -> int:
    """In bytes, at least one."""
    size = bytes_of(text)
    if size is not None:
        return size
    raise OptionInvalid(f"{option} {text}: say {forms}")


def share_of(option: str, text: str) -> float | None:
    """`80%` as 0.8; None if it is no share."""
    if not text.rstrip().endswith("%"):
        return None
    found = _SHARE.fullmatch(text.strip())
    if found is not None and 0 < float(found[1]) <= 100:
        return float(found[1]) / 100
    raise OptionInvalid(f"{option} {text}: a share is above 0% and at most 100%, such as 80%")


def seconds_of(option: str, text: str) -> float:
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise OptionInvalid(f"{option} {text}: say seconds, such as 30 or 30s, or 2m, 1h, 7d")
    return float(found[1]) * _SECONDS[found[2] or "s"]


def failures_of(text: str | None) -> int | str | None:
    """A number, or a share as the options have it; whatever is wrong with it they will say."""
    if text is not None and text.isdecimal():
        return int(text)
    return text
