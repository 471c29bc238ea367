"""From a run that fails, a smaller one that fails in the same way, and the part of its log to read.

Beside the layers. Tests: tests/unit/simulation.

A plan is cut down while what is left still violates the same statement: first later half by later
half of everything that happens, then fault by fault in ever smaller groups, then what people ask
for. Since chance comes from named streams, what is left goes on as it did before. The number of
runs is bounded.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from buildfarm.simulation.invariants import Violation, violations
from buildfarm.simulation.plan import Plan
from buildfarm.simulation.simulation import simulate
from buildfarm.simulation.story import Story

T = TypeVar("T")

#: Runs that shortening may take.
MOST_RUNS = 60

#: Seconds around a build's own events within which faults are told.
_NEAR = 30.0

#: Lines of a log at most.
_MOST_LINES = 120


@dataclass(frozen=True)
class Failure:
    """A run that violates `first`, which is one of its violations."""

    story: Story
    first: Violation


def failure_of(plan: Plan, statement: str | None = None) -> Failure | None:
    """How `plan` fails, or fails against this statement; None where it does not."""
    story = simulate(plan)
    found = violations(story)
    first = next((one for one in found if statement in (None, one.statement)), None)
    return None if first is None else Failure(story, first)


class Shortening:
    """Makes a failing plan smaller, within `runs` runs. `tell` is given a line for each step."""

    def __init__(
        self, failure: Failure, tell: Callable[[str], None], runs: int = MOST_RUNS
    ) -> None:
        self._failure = failure
        self._tell = tell
        self._left = runs

    def shortest(self) -> Failure:
        """The smallest failure that was found."""
        self._cut_the_end()
        self._cut("faults")
        self._cut("requests")
        self._cut("uploads")
        return self._failure

    @property
    def _plan(self) -> Plan:
        return self._failure.story.plan

    def _try(self, plan: Plan) -> bool:
        """Whether `plan` still fails in the same way; then it is gone on from."""
        if not self._left:
            return False
        self._left -= 1
        failure = failure_of(plan, self._failure.first.statement)
        if failure is not None:
            self._failure = failure
            self._tell(
                f"{len(plan.uploads)} submissions, {len(plan.faults)} faults, "
                f"{len(plan.requests)} requests"
            )
        return failure is not None

    def _cut_the_end(self) -> None:
        """Leave out what happens late, half of the time and then less of it."""
        end = max((upload.time for upload in self._plan.uploads), default=0.0)
        part = 0.5
        while part < 1.0 and self._left:
            if self._try(_until(self._plan, part * end)):
                end *= part
            else:
                part += (1.0 - part) / 2 if part < 0.9 else 1.0

    def _cut(self, name: str) -> None:
        """Leave out groups of what the plan has under `name`, ever smaller ones."""
        size = len(getattr(self._plan, name))
        while size and self._left:
            at = 0
            while at < len(getattr(self._plan, name)) and self._left:
                items = getattr(self._plan, name)
                rest: dict[str, tuple[object, ...]] = {name: items[:at] + items[at + size :]}
                if not self._try(replace(self._plan, **rest)):  # type: ignore[arg-type]
                    at += size
            size //= 2


def _until(plan: Plan, end: float) -> Plan:
    """`plan` without what comes after `end`."""
    return replace(
        plan,
        uploads=tuple(upload for upload in plan.uploads if upload.time <= end),
        requests=tuple(request for request in plan.requests if request.time <= end),
        faults=tuple(fault for fault in plan.faults if fault.time <= end),
        healed=min(plan.healed, end + 240.0),
    )


def log_of(failure: Failure) -> Iterator[str]:
    """The lines of a failed run's log that concern what failed, and the faults near them."""
    story, found = failure.story, failure.first.found
    builders = {found.builder} if found.builder else set()
    if found.build is not None:
        attempts = story.attempts_by_build.get(found.build, ())
        builders |= {attempt.builder_name for attempt in attempts}
    own = list(_events_of(story, found.build, builders))
    if not own:
        return
    begin, end = own[0][0] - _NEAR, own[-1][0] + _NEAR
    subjects = {*builders, "manager"}
    entries = [
        (entry.time, f"{entry.subject}: {entry.text}")
        for entry in story.entries
        if begin <= entry.time <= end and _concerns(entry.subject, subjects)
    ]
    lines = sorted([*own, *entries], key=lambda line: line[0])
    if len(lines) > _MOST_LINES:
        yield f"… {len(lines) - _MOST_LINES} lines before these are left out"
    for time, text in lines[-_MOST_LINES:]:
        yield f"{time:10.3f}  {text}"


def _concerns(subject: str, subjects: Iterable[str]) -> bool:
    words = subject.split()
    return any(one in words for one in subjects) or subject.startswith(("archive", "upload"))


def _events_of(
    story: Story, build: int | None, builders: Iterable[str]
) -> Iterator[tuple[float, str]]:
    """The events of a build, or else of builders, by the world's time."""
    named = set(builders)
    for event, time in zip(story.events, story.times, strict=True):
        wanted = event.builder in named if build is None else event.build_id == build
        if wanted:
            move = "" if event.after is None else f" {event.before or '-'} → {event.after}"
            where = "" if event.builder is None else f" on {event.builder}"
            what = (
                "" if event.build_id is None else f" build {event.build_id}/{event.attempt or '-'}"
            )
            yield time, f"event{what}{where}{move}: {event.reason}"
