"""One name for failures that are the same failure.

The varying parts of a message (numbers, ids, quoted text, paths) are replaced, so that nine hundred
"row 17 of 'a.csv' has no price" become one group with a count and an example.
"""

from __future__ import annotations

import re
from hashlib import blake2b

_VARYING = (
    (re.compile(r"https?://\S+"), "<url>"),
    (re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"), "<id>"),
    (re.compile(r"'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"|`[^`\n]*`"), "<text>"),
    # A path begins where no other token goes on, and gives nothing back: else two thousand dots
    # would take a minute.
    (re.compile(r"(?<![\w<.@~/\\-])(?:[A-Za-z]:)?[\w.@~-]*+(?:[/\\]++[\w.@-]++){2,}"), "<path>"),
    (re.compile(r"\b0x[0-9a-fA-F]+\b"), "<n>"),
    (re.compile(r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b"), "<id>"),
    (re.compile(r"[-+]?\d+(?:[.,:]\d+)*(?:[eE][-+]?\d+)?"), "<n>"),
    (re.compile(r"\s+"), " "),
)


def pattern_of(message: str) -> str:
    """The message with its varying parts replaced, at most 200 characters."""
    text = message[:2000]
    for varying, name in _VARYING:
        text = varying.sub(name, text)
    return text.strip()[:200]


def fingerprint_of(error_type: str, message: str) -> str:
    text = f"{error_type}\n{pattern_of(message)}".encode("utf-8", "backslashreplace")
    return blake2b(text, digest_size=5).hexdigest()
