"""The events of a run, read in their order: who held what, and what followed what.

Beside the layers. Tests: tests/unit/simulation. Pure; used by `invariants`.
"""

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from typing import Any

from buildfarm.simulation.story import Story
from buildfarm.verdicts.transitions import (
    ATTEMPT_TRANSITIONS,
    BUILD_TRANSITIONS,
    CLEAN_TRANSITIONS,
)
from buildfarm.vocab.build import EventSnapshot
from buildfarm.vocab.states import ON_BUILDER, AttemptState, BuildState, CleanStatus

#: What is wrong, of which build, of which builder.
Wrong = tuple[str, int | None, str | None]

#: The id of a build, and the number of one of its attempts.
_Attempt = tuple[int, int]

_TABLES: Mapping[type[Enum], Mapping[Any, frozenset[Any]]] = {
    AttemptState: ATTEMPT_TRANSITIONS,
    BuildState: BUILD_TRANSITIONS,
    CleanStatus: CLEAN_TRANSITIONS,
}

#: Every word that an event may have for a state; no two kinds of state share one.
_STATES: Mapping[str, Enum] = {state.value: state for kind in _TABLES for state in kind}


def sharing(events: Iterable[EventSnapshot]) -> Iterator[Wrong]:
    """Where a build had two open attempts, a builder two builds, or nobody what was gathered."""
    hands = _Hands()
    for event in events:
        after = _STATES.get(event.after or "")
        if event.build_id is None:
            continue
        if after is BuildState.UPLOADING and event.before == BuildState.FAILEDTOUPLOAD.value:
            hands.upload_again(event.build_id)
        if isinstance(after, AttemptState) and event.attempt is not None:
            attempt, builder = (event.build_id, event.attempt), event.builder or ""
            for words in hands.follow(attempt, builder, after):
                yield words, event.build_id, builder


class _Hands:
    """Which attempts are open and which builders have one, as the events tell it."""

    def __init__(self) -> None:
        self._open: dict[int, _Attempt] = {}
        self._occupied: dict[str, _Attempt] = {}
        self._states: dict[_Attempt, AttemptState] = {}

    def follow(self, attempt: _Attempt, builder: str, after: AttemptState) -> Iterator[str]:
        """The attempt has come to the state `after`; what is wrong with that."""
        if after is AttemptState.CLAIMED:
            for held in (self._open.get(attempt[0]), self._occupied.get(builder)):
                if held is not None:
                    yield f"{attempt} was claimed for {builder} while {held} was open"
            self._open[attempt[0]] = self._occupied[builder] = attempt
        elif self._open.get(attempt[0]) != attempt:
            yield f"{attempt} became {after.value} and was not open"
        if after is AttemptState.GATHERED and self._states.get(attempt) not in ON_BUILDER:
            yield f"{attempt} was gathered from nowhere"
        if after not in ON_BUILDER and self._occupied.get(builder) == attempt:
            del self._occupied[builder]
        if after is AttemptState.CLOSED:
            self._open.pop(attempt[0], None)
        self._states[attempt] = after

    def upload_again(self, build_id: int) -> None:
        """A retry opens the last attempt of a build again, without its builder."""
        last = max(attempt for attempt in self._states if attempt[0] == build_id)
        self._open[build_id], self._states[last] = last, AttemptState.GATHERED


def out_of_order(story: Story) -> Iterator[Wrong]:
    """Where an event does not begin where the one before it ended, or may not follow it."""
    states: dict[tuple[object, ...], Enum] = {}
    for event in story.events:
        after = _STATES.get(event.after or "")
        if after is None:
            continue
        subject = _subject(event, after)
        before = None if event.before is None else _STATES[event.before]
        found = states.get(subject)
        at = event.build_id, event.builder
        if before is not None and found is not before:
            yield f"{_named(subject)} was {found} when it went from {before} to {after}", *at
        if before is not None and after is not before and after not in _TABLES[type(after)][before]:
            yield f"{_named(subject)} went from {before} to {after}", *at
        states[subject] = after
        if before is BuildState.FAILEDTOUPLOAD and after is BuildState.UPLOADING:
            _upload_again(states, event.build_id)
    for build in story.builds:
        told = states.get(("build", build.id))
        if told is not build.state:
            yield f"build {build.id} is {build.state} and its events say {told}", build.id, None
    for attempt in story.attempts:
        told = states.get(("attempt", attempt.build_id, attempt.number))
        if told is not attempt.state:
            words = f"{attempt.cookie} is {attempt.state} and its events say {told}"
            yield words, attempt.build_id, attempt.builder_name


def _upload_again(states: dict[tuple[object, ...], Enum], build_id: int | None) -> None:
    """A retry opens the last attempt of a build again; that event is told of the build."""
    last = max(subject for subject in states if subject[:2] == ("attempt", build_id))
    states[last] = AttemptState.GATHERED


def _subject(event: EventSnapshot, state: Enum) -> tuple[object, ...]:
    if isinstance(state, AttemptState):
        return "attempt", event.build_id, event.attempt
    if isinstance(state, BuildState):
        return "build", event.build_id
    return "builder", event.builder


def _named(subject: tuple[object, ...]) -> str:
    return " ".join(map(str, subject))
