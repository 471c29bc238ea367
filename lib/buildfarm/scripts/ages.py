"""How long something has lasted, as people write it and read it: `90s`, `10m`, `2h`, `3d`, `1w`.

Layer 7, pure. Tests: tests/unit/scripts/test_ages.py.
"""

import re
from datetime import timedelta

import click

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_AGE = re.compile(r"([0-9]{1,6})([smhdw])")


def age(text: str) -> timedelta:
    """What an option says: a number and a unit. Raises click's BadParameter."""
    found = _AGE.fullmatch(text)
    if found is None:
        raise click.BadParameter(f"{text!r} is no age; say 90s, 10m, 2h, 3d or 1w.")
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


def lasting(span: timedelta) -> str:
    """A time span in one or two units, such as `3h 20m`; what is in the future is `0s`."""
    seconds = max(0, int(span.total_seconds()))
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, seconds = divmod(rest, 60)
    if days:
        return f"{days}d {hours}h"
    if hours:
        return f"{hours}h {minutes:02}m"
    return f"{minutes}m {seconds:02}s" if minutes else f"{seconds}s"
