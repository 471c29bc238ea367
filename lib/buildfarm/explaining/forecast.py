"""When a waiting build will probably start, from what the farm is doing.

Layer 4; the play itself is `verdicts.estimates`. Tests: tests/unit/explaining/test_forecast.py.
"""

from datetime import datetime

from buildfarm.explaining.facts import Facts
from buildfarm.verdicts.estimates import Occupation, Waiting, estimated_start, remaining
from buildfarm.vocab.build import Holding

_MINUTE = 60.0
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR


def start_in(facts: Facts, now: datetime) -> float | None:
    """Seconds until the build starts; None where it does not wait, or no builder will take it."""
    entry = facts.entry
    if entry is None:
        return None
    delay = 0.0 if entry.not_before is None else (entry.not_before - now).total_seconds()
    more_ahead = max(0, (facts.position or 1) - 1 - len(facts.ahead))
    return estimated_start(
        Waiting(entry.requirement, entry.estimated_duration, max(0.0, delay)),
        [Waiting(one.requirement, one.estimated_duration) for one in facts.ahead],
        [
            Occupation(builder, _free_in(facts.held.get(builder.id), now))
            for builder in facts.builders
        ],
        more_ahead,
    )


def _free_in(held: Holding | None, now: datetime) -> float:
    """Seconds for which a builder is occupied; its cleaning is short beside a build."""
    if held is None:
        return 0.0
    return remaining(held.estimated_duration, (now - held.since).total_seconds())


def spoken(seconds: float) -> str:
    """A time to come as people say it: `in about 5 minutes`."""
    if seconds < _MINUTE:
        return "in less than a minute"
    for unit, name in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        if seconds >= 2 * unit or (unit == _MINUTE and seconds >= unit):
            count = round(seconds / unit)
            return f"in about {count} {name}{'' if count == 1 else 's'}"
    raise AssertionError(seconds)
