"""Numbers and times as people read them."""

from __future__ import annotations

from datetime import UTC, datetime

#: as in "3 x ValueError"
TIMES = "\N{MULTIPLICATION SIGN}"


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 record`, `12,000 records`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def duration(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes:02} min"
    return f"{hours // 24} d {hours % 24:02} h"


def span(seconds: float) -> str:
    """How long one run took, which may be next to nothing: `850 µs`, `12 ms`, `3.4 s`."""
    if seconds < 0.0009995:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 0.00995:
        return f"{seconds * 1e3:.1f} ms"
    if seconds < 0.9995:
        return f"{seconds * 1e3:.0f} ms"
    return duration(seconds)


def brief(seconds: float) -> str:
    """A duration for a column: `50s`, `3m20s`, `2h05m`, `3d04h`."""
    if seconds < 10:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    if whole < 48 * 3600:
        return f"{whole // 3600}h{whole % 3600 // 60:02}m"
    return f"{whole // 86400}d{whole % 86400 // 3600:02}h"


def rate(per_second: float) -> str:
    if per_second >= 10:
        return f"{per_second:,.0f}/s"
    if per_second >= 0.1 or per_second == 0:
        return f"{per_second:.1f}/s"
    return f"{per_second * 60:.1f}/min"


def moment(seconds: float) -> str:
    """A time of the day, where the reader is."""
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def iso(seconds: float | None) -> str | None:
    """For machines: in UTC."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def cleaned(text: str) -> str:
    """What would move the cursor, or cannot be written at all, is a blank."""
    return "".join(it if it.isprintable() else " " for it in text)


def short(text: str, width: int) -> str:
    """Cleaned, on one line of at most `width` places, of which a wide character takes two."""
    text = " ".join(cleaned(text).split())
    if text.isascii():
        return text if len(text) <= width else text[: max(0, width - 1)] + "…"
    from rich.cells import cell_len, set_cell_size

    if cell_len(text) <= width:
        return text
    return set_cell_size(text, max(0, width - 1)).rstrip() + "…"
