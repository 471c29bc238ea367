"""Where a builder's hours went: the events of a stretch of time, made into spans.

Layer 1: pure. Tests: tests/unit/verdicts/test_spans.py.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple

from buildfarm.vocab.states import ON_BUILDER, AttemptState, BuildState, CleanStatus, Service


class SpanKind(Enum):
    """What a builder did."""

    BUILDING = "building"
    GATHERING = "gathering"
    RESETTING = "resetting"
    IDLE = "idle"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Span:
    """A builder did one thing from `start` to `end`; `build_id` is what it had, if it may be told.

    IDLE is clean and free, whether or not it is given work by itself; RESETTING is cleaned or
    reset, or waits to be; FAILED is out of service (`builderok` false) with nothing to build.
    """

    kind: SpanKind
    start: datetime
    end: datetime
    build_id: int | None = None

    @property
    def duration(self) -> timedelta:
        """How long it was."""
        return self.end - self.start


class Move(NamedTuple):
    """One event of a builder: a state before and after, in the words of `vocab.states`."""

    time: datetime
    before: str | None
    after: str
    build_id: int | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What of a builder decides what it does; `build_id` is a build that is on it."""

    clean: CleanStatus
    service: Service = Service.IN
    occupied: bool = False
    gathering: bool = False
    build_id: int | None = None

    @property
    def kind(self) -> SpanKind:
        """What it does."""
        if self.occupied:
            return SpanKind.GATHERING if self.gathering else SpanKind.BUILDING
        if self.service is Service.OUT:
            return SpanKind.FAILED
        return SpanKind.IDLE if self.clean is CleanStatus.CLEAN else SpanKind.RESETTING


_CLEAN = {status.value: status for status in CleanStatus}
_SERVICE = {service.value: service for service in Service}
_ON_BUILDER = {state.value for state in ON_BUILDER}
_OFF_BUILDER = {AttemptState.GATHERED.value, AttemptState.CLOSED.value}

#: The states of which a move is news here; others change nothing of what a builder does.
TELLING = (*_CLEAN, *_SERVICE, "CLAIMED", *_OFF_BUILDER, BuildState.GATHERING.value)


def spans(
    moves: Sequence[Move], now_standing: Standing, since: datetime, until: datetime
) -> tuple[Span, ...]:
    """What a builder did between two moments, in order and without gaps.

    `moves` are the builder's events between them, oldest first; `now_standing` is how it stands at
    `until`. What no event of the time has changed was before as it is at the end. Of a builder that
    was added meanwhile nothing is told before that.
    """
    standing, start = _first(moves, now_standing), since
    found: list[Span] = []
    for move in moves:
        time = min(max(move.time, start), until)
        if _is_beginning(move):
            found, start = [], time
            standing = Standing(_CLEAN[move.after])
        after = _after(standing, move)
        if after != standing:
            _add(found, standing, start, time)
            standing, start = after, time
    _add(found, standing, start, until)
    return tuple(found)


def hours(found: Iterable[Span]) -> Mapping[SpanKind, timedelta]:
    """How long each thing was done, in all; kinds that did not occur have none."""
    totals = dict.fromkeys(SpanKind, timedelta())
    for span in found:
        totals[span.kind] += span.duration
    return totals


def _is_beginning(move: Move) -> bool:
    """Whether the builder was added, or added again."""
    return move.before is None and move.after in _CLEAN


def _first(moves: Sequence[Move], last: Standing) -> Standing:
    """How the builder stood before the first of `moves`."""
    clean = next((_CLEAN[one.before] for one in moves if one.before in _CLEAN), last.clean)
    service = next((_SERVICE[one.before] for one in moves if one.before in _SERVICE), last.service)
    for move in moves:
        if move.after == AttemptState.CLAIMED.value:
            return Standing(clean, service)
        if move.after in _OFF_BUILDER and move.before in _ON_BUILDER:
            return Standing(clean, service, occupied=True, build_id=move.build_id)
    moved = any(move.after == BuildState.GATHERING.value for move in moves)
    return replace(last, clean=clean, service=service, gathering=last.gathering and not moved)


def _after(before: Standing, move: Move) -> Standing:
    if move.after in _CLEAN:
        return replace(before, clean=_CLEAN[move.after])
    if move.after in _SERVICE:
        return replace(before, service=_SERVICE[move.after])
    if move.after == AttemptState.CLAIMED.value:
        return replace(before, occupied=True, gathering=False, build_id=move.build_id)
    if move.after == BuildState.GATHERING.value:
        return replace(before, gathering=before.occupied)
    if move.after in _OFF_BUILDER and move.before in _ON_BUILDER:
        return replace(before, occupied=False, gathering=False, build_id=None)
    return before


def _add(found: list[Span], standing: Standing, start: datetime, end: datetime) -> None:
    """Append what was done until `end`, or let the last span go on with it."""
    if end <= start:
        return
    last = found[-1] if found else None
    if last is not None and (last.kind, last.build_id) == (standing.kind, standing.build_id):
        found[-1] = replace(last, end=end)
    else:
        found.append(Span(standing.kind, start, end, standing.build_id))
