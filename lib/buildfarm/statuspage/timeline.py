"""A build's life as a picture: one row for each attempt, with its phases along one axis of time.

Layer 5, pure. Tests: tests/unit/statuspage/test_timeline.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from buildfarm.vocab.build import AttemptSnapshot, BuildSnapshot

#: The length of the axis, in units of the picture.
LENGTH = 1000.0

#: The least length of a phase that can be seen.
_LEAST = 3.0

#: Attempts that are drawn at most, the latest ones; the table beside the picture has the others.
DRAWN = 12


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of an attempt; `start` and `length` are in units of the picture.

    `kind` is `waiting` (the build, before it), `preparing` (claimed, chroot and sources fetched),
    `building` or `publishing`.
    """

    kind: str
    start: float
    length: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Row:
    """One attempt."""

    attempt: AttemptSnapshot
    phases: tuple[Phase, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """The picture: its rows, and the moments at both ends of the axis."""

    rows: tuple[Row, ...]
    begin: datetime
    end: datetime


def timeline(
    build: BuildSnapshot,
    attempts: Sequence[AttemptSnapshot],
    now: datetime,
    queued: Sequence[datetime] = (),
) -> Timeline | None:
    """The picture as of `now`; None where nothing was tried yet.

    `queued` are the moments at which the build came into the queue, as far as they are known: one
    that had failed did not wait until somebody had it tried again.
    """
    drawn = attempts[-DRAWN:]
    if not drawn:
        return None
    begin = build.created if len(drawn) == len(attempts) else drawn[0].claimed
    end = max(attempt.closed or now for attempt in drawn)
    scale = LENGTH / max((end - begin).total_seconds(), 1.0)

    def row(attempt: AttemptSnapshot, waited_from: datetime) -> Row:
        phases = []
        for kind, start, stop in _stretches(attempt, waited_from, now):
            seconds = (stop - start).total_seconds()
            if seconds > 0:
                length = max(seconds * scale, _LEAST)
                place = min((start - begin).total_seconds() * scale, LENGTH - length)
                phases.append(Phase(kind, round(place, 1), round(length, 1), seconds))
        return Row(attempt, tuple(phases))

    rows = []
    before = begin
    for attempt in drawn:
        known = [moment for moment in queued if before <= moment <= attempt.claimed]
        rows.append(row(attempt, max(known, default=before)))
        before = attempt.closed or now
    return Timeline(tuple(rows), begin, end)


def _stretches(
    attempt: AttemptSnapshot, waited_from: datetime, now: datetime
) -> list[tuple[str, datetime, datetime]]:
    """What an attempt has done from when to when; of one that has not ended, until `now`."""
    ended = attempt.closed or now
    moments = [
        ("waiting", waited_from),
        ("preparing", attempt.claimed),
        ("building", attempt.sent),
        ("publishing", attempt.gathered),
        ("", ended),
    ]
    known = [(kind, moment) for kind, moment in moments if moment is not None]
    return [(kind, start, stop) for (kind, start), (_, stop) in pairwise(known)]
