"""Bytes that arrive in pieces, put together to lines."""

from __future__ import annotations


class Lines:
    """A line feed ends a line and nothing else does: U+2028 and its like, at which str.splitlines
    splits too, stand in JSON as they are."""

    def __init__(self) -> None:
        self._begun: list[bytes] = []

    def whole(self, piece: bytes) -> list[str]:
        """Those that this piece ends."""
        first, *more = piece.split(b"\n")
        self._begun.append(first)
        if not more:
            return []
        lines = [b"".join(self._begun), *more[:-1]]
        self._begun = [more[-1]]
        return [_text(it) for it in lines]

    def rest(self) -> list[str]:
        """What no line feed has ended, if there is any."""
        left = b"".join(self._begun)
        return [_text(left)] if left else []


def _text(line: bytes) -> str:
    return line.removesuffix(b"\r").decode(errors="replace")
