"""A builder's day as a picture: a strip in the colours of what it did, and the hours of each. Pure.

Layer 5. Tests: tests/unit/statuspage/test_strip.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from buildfarm.verdicts.spans import Span, SpanKind, hours

#: Columns of the picture: what was done for longest in the time of a column colours it.
COLUMNS = 720


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

    pieces: tuple[Piece, ...]
    ticks: tuple[Tick, ...]
    shares: tuple[Share, ...]

    @property
    def summary(self) -> str:
        """The picture in a sentence."""
        said = [f"{one.kind.value} {one.percent:.0f} %" for one in self.shares if one.duration]
        return "Of the last day it was " + (", ".join(said) or "nothing that is known") + "."


def strip(spans: Sequence[Span], since: datetime, until: datetime) -> Strip:
    """The picture of what was done between two moments."""
    totals = hours(spans)
    whole = sum(totals.values(), timedelta()) or timedelta(seconds=1)
    return Strip(
        pieces=_pieces(_columns(spans, since, (until - since) / COLUMNS)),
        ticks=_ticks(since, until),
        shares=tuple(Share(kind, took, 100 * (took / whole)) for kind, took in totals.items()),
    )


def _columns(spans: Sequence[Span], since: datetime, width: timedelta) -> list[SpanKind | None]:
    """What each column shows; nothing where nothing is known."""
    shown: list[SpanKind | None] = [None] * COLUMNS
    longest = [timedelta()] * COLUMNS
    for span in spans:
        first = max(0, int((span.start - since) / width))
        last = min(COLUMNS - 1, int((span.end - since) / width))
        for column in range(first, last + 1):
            begin = since + column * width
            took = min(span.end, begin + width) - max(span.start, begin)
            if took > longest[column]:
                shown[column], longest[column] = span.kind, took
    return shown


def _pieces(columns: Sequence[SpanKind | None]) -> tuple[Piece, ...]:
    pieces, x = [], 0
    for kind, same in groupby(columns):
        width = len(list(same))
        if kind is not None:
            pieces.append(Piece(kind, x, width))
        x += width
    return tuple(pieces)


def _ticks(since: datetime, until: datetime) -> tuple[Tick, ...]:
    """Every third hour."""
    first = since.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    full = [first + timedelta(hours=number) for number in range(24)]
    return tuple(
        Tick(round(COLUMNS * ((one - since) / (until - since)), 1), one.strftime("%H:%M"))
        for one in full
        if one.hour % 3 == 0 and one < until
    )
