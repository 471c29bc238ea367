"""The story of a build: what was asked of it, and each attempt with how it ended.

Layer 4, pure. Tests: tests/unit/explaining/test_history.py.

An attempt is one line, from its row; the events of its transitions would say the same over again.
What happened to the build between attempts, and what was noted during one, comes from its events.
"""

from collections.abc import Sequence
from datetime import datetime

from buildfarm.vocab.build import AttemptSnapshot, EventSnapshot
from buildfarm.vocab.states import AttemptState
from buildfarm.vocab.statewords import attempt_words
from buildfarm.vocab.text import one_line


def story(attempts: Sequence[AttemptSnapshot], events: Sequence[EventSnapshot]) -> tuple[str, ...]:
    """The lines of the story, oldest first, each beginning with its time in UTC."""
    told = moments(attempts, events)
    return tuple(f"{time:%Y-%m-%d %H:%M:%S} {words}" for time, words in told)


def moments(
    attempts: Sequence[AttemptSnapshot], events: Sequence[EventSnapshot]
) -> tuple[tuple[datetime, str], ...]:
    """The story as times in UTC and what happened then, oldest first."""
    lines = [(attempt.claimed, _attempt_line(attempt)) for attempt in attempts]
    lines += [
        (event.time, _event_line(event))
        for event in events
        if event.attempt is None or event.after is None
    ]
    # Sorting is stable: what happened in one moment stays in the order in which it was written.
    return tuple(sorted(lines, key=lambda line: line[0]))


def _attempt_line(attempt: AttemptSnapshot) -> str:
    where = f"attempt {attempt.number} on {attempt.builder_name}"
    words = attempt_words(attempt.state, attempt.outcome, attempt.reason)
    lasted = _lasted(attempt) if attempt.state is AttemptState.CLOSED else ""
    return f"{where}{lasted}: {words}"


def _lasted(attempt: AttemptSnapshot) -> str:
    """How long it was on its builder; nothing for one that was never sent."""
    ended: datetime | None = attempt.gathered or attempt.closed
    if attempt.sent is None or ended is None:
        return ""
    return f", {(ended - attempt.sent).total_seconds():.0f} s"


def _event_line(event: EventSnapshot) -> str:
    during = "" if event.attempt is None else f"attempt {event.attempt}: "
    return f"{during}{one_line(event.reason)}"
