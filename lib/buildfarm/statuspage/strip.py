"""A builder's day as a picture: a strip in the colours of what it did, and the hours of each. Pure.

Layer 5. Tests: tests/unit/statuspage/test_strip.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from buildfarm.statuspage.words import span
from buildfarm.verdicts.spans import Span, SpanKind, hours

#: Columns of the picture: what was done for longest in the time of a column colours it.
COLUMNS = 720


#: How long pictures are, and how far apart the times below them.
_LENGTHS = (
    (timedelta(hours=1), timedelta(minutes=10)),
    (timedelta(hours=6), timedelta(hours=1)),
    (timedelta(days=1), timedelta(hours=3)),
)


@dataclass(frozen=True, slots=True)
class Piece:
    """Columns in which the builder did one thing."""

    kind: SpanKind
    x: int
    width: int


@dataclass(frozen=True, slots=True)
class Tick:
    """A full hour below the strip."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Share:
    """How long one thing was done, and how much of the whole that is."""

    kind: SpanKind
    duration: timedelta
    percent: float


@dataclass(frozen=True, slots=True)
class Strip:
    """The picture with its table."""

    length: timedelta
    pieces: tuple[Piece, ...]
    ticks: tuple[Tick, ...]
    shares: tuple[Share, ...]

    @property
    def summary(self) -> str:
        """The picture in a sentence."""
        said = [f"{one.kind.value} {one.percent:.0f} %" for one in self.shares if one.duration]
        return (
            f"Of the last {span(self.length)} it was "
            + (", ".join(said) or "nothing that is known")
            + "."
        )


def strip(spans: Sequence[Span], until: datetime) -> Strip:
    """The picture of what was done until then, which is not longer than it has to be."""
    known = until - spans[0].start if spans else timedelta()
    length, apart = next((one for one in _LENGTHS if known <= one[0]), _LENGTHS[-1])
    totals = hours(spans)
    whole = sum(totals.values(), timedelta()) or timedelta(seconds=1)
    return Strip(
        length=length,
        pieces=_pieces(_columns(spans, until - length, length / COLUMNS)),
        ticks=_ticks(until - length, length, apart),
        shares=tuple(Share(kind, took, 100 * (took / whole)) for kind, took in totals.items()),
    )


def _columns(spans: Sequence[Span], since: datetime, width: timedelta) -> list[SpanKind | None]:
    """What each column shows; nothing where nothing is known."""
    shown: list[SpanKind | None] = [None] * COLUMNS
    longest = [timedelta()] * COLUMNS
    for one in spans:
        first = max(0, int((one.start - since) / width))
        last = min(COLUMNS - 1, int((one.end - since) / width))
        for column in range(first, last + 1):
            begin = since + column * width
            took = min(one.end, begin + width) - max(one.start, begin)
            if took > longest[column]:
                shown[column], longest[column] = one.kind, took
    return shown


def _pieces(columns: Sequence[SpanKind | None]) -> tuple[Piece, ...]:
    pieces, x = [], 0
    for kind, same in groupby(columns):
        width = len(list(same))
        if kind is not None:
            pieces.append(Piece(kind, x, width))
        x += width
    return tuple(pieces)


def _ticks(since: datetime, length: timedelta, apart: timedelta) -> tuple[Tick, ...]:
    """One at each full hour, or whatever is so far apart."""
    midnight = since.replace(hour=0, minute=0, second=0, microsecond=0)
    first = midnight + ((since - midnight) // apart + 1) * apart
    times = [first + number * apart for number in range(length // apart)]
    return tuple(
        Tick(round(COLUMNS * ((one - since) / length), 1), one.strftime("%H:%M")) for one in times
    )
