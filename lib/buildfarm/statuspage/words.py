"""Times, spans and numbers as pages write them.

Layer 5. Tests: tests/unit/statuspage/test_words.py.
"""

from datetime import datetime, timedelta

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def time(moment: datetime) -> str:
    """A moment in UTC, to the minute: `2026-01-31 12:05`."""
    return moment.strftime("%Y-%m-%d %H:%M")


def iso(moment: datetime) -> str:
    """A moment for programs: ISO 8601 with a Z."""
    return moment.isoformat(timespec="seconds") + "Z"


def span(duration: float | timedelta) -> str:
    """Seconds in the two largest units that say something: `2 d 3 h`, `1 h 20 min`, `45 s`."""
    seconds = duration.total_seconds() if isinstance(duration, timedelta) else duration
    whole = max(0, round(seconds))
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < 10 * _MINUTE:
        return _two(whole, _MINUTE, "min", 1, "s")
    if whole < _HOUR:
        return f"{whole // _MINUTE} min"
    if whole < _DAY:
        return _two(whole, _HOUR, "h", _MINUTE, "min")
    if whole < 14 * _DAY:
        return _two(whole, _DAY, "d", _HOUR, "h")
    return f"{whole // _DAY} d"


def number(count: int) -> str:
    """A count with its thousands apart by narrow spaces: `100 000`."""
    return f"{count:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def _two(seconds: int, unit: int, name: str, part: int, part_name: str) -> str:
    rest = seconds % unit // part
    first = f"{seconds // unit} {name}"
    return f"{first} {rest} {part_name}" if rest else first
