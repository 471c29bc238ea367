"""The chart of the last day: how long the queue was, and what was built each hour. Pure.

Layer 5. Tests: tests/unit/statuspage/test_chart.py.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from buildfarm.vocab.glance import Sample

#: The area in which lines and bars are drawn, in the picture's own units, and what is left of it.
WIDTH, HEIGHT, LEFT, TOP = 528, 150, 40, 10

_HOURS = 24

#: Beside each bar.
_GAP = 2

_HOUR = timedelta(hours=1)
_POINT = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Hour:
    """What ended in one hour, and the longest queue in it; None where there was no sample."""

    start: datetime
    built: int
    failed: int
    waiting: int | None


@dataclass(frozen=True, slots=True)
class Bar:
    """The bar of one hour: built from the ground up, failed upon it. All in the picture's units."""

    hour: Hour
    x: float
    width: float
    built_y: float
    built_height: float
    failed_y: float
    failed_height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """The picture. `line` are the points of the queue's length; scales begin at 0."""

    hours: tuple[Hour, ...]
    bars: tuple[Bar, ...]
    line: str
    most_ended: int
    most_waiting: int

    @property
    def summary(self) -> str:
        """The chart in a sentence."""
        built = sum(hour.built for hour in self.hours)
        failed = sum(hour.failed for hour in self.hours)
        waiting = [hour.waiting for hour in self.hours if hour.waiting is not None]
        queue = f"between {min(waiting)} and {max(waiting)}" if waiting else "unknown"
        return (
            f"In the last {_HOURS} hours {built} builds were published and {failed} failed; "
            f"the most that waited in an hour was {queue}."
        )


def chart(samples: Sequence[Sample], now: datetime) -> Chart:
    """The chart of the 24 hours that end with the present one."""
    end = now.replace(minute=0, second=0, microsecond=0) + _HOUR
    begin = end - _HOURS * _HOUR
    shown = [one for one in samples if begin <= one.time < end]
    hours = tuple(_hour(shown, begin + number * _HOUR) for number in range(_HOURS))
    most_ended = round_up(max(hour.built + hour.failed for hour in hours))
    most_waiting = round_up(max((one.waiting for one in shown), default=0))
    points = [
        f"{_x((start - begin) / _HOUR):.1f},{_y(max(same) / most_waiting):.1f}"
        for start, same in _by_points(shown, begin)
    ]
    bars = tuple(_bar(number, hour, most_ended) for number, hour in enumerate(hours))
    return Chart(hours, bars, " ".join(points), most_ended, most_waiting)


def round_up(count: int) -> int:
    """The end of a scale: 10, 20, 50, 100 and so on, not less than `count`."""
    step = 10
    while True:
        for factor in (1, 2, 5):
            if factor * step >= count:
                return factor * step
        step *= 10


def _by_points(samples: Sequence[Sample], begin: datetime) -> Iterator[tuple[datetime, list[int]]]:
    """What waited in each five minutes: more points would not be seen."""
    for number, same in groupby(samples, lambda one: (one.time - begin) // _POINT):
        yield begin + number * _POINT, [one.waiting for one in same]


def _hour(samples: Sequence[Sample], start: datetime) -> Hour:
    own = [one for one in samples if start <= one.time < start + _HOUR]
    return Hour(
        start,
        sum(one.built for one in own),
        sum(one.failed for one in own),
        max((one.waiting for one in own), default=None),
    )


def _bar(number: int, hour: Hour, most: int) -> Bar:
    ground = TOP + HEIGHT
    built, failed = (HEIGHT * count / most for count in (hour.built, hour.failed))
    return Bar(
        hour,
        x=_x(number) + _GAP,
        width=WIDTH / _HOURS - 2 * _GAP,
        built_y=ground - built,
        built_height=built,
        failed_y=ground - built - failed,
        failed_height=failed,
    )


def _x(hours: float) -> float:
    return LEFT + WIDTH * hours / _HOURS


def _y(share: float) -> float:
    return TOP + HEIGHT * (1 - share)
