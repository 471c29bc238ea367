"""How long a build will take, and when a waiting one will start.

Durations come from what was built before; the start comes from playing the queue forward over the
builders that fit. Both are guesses for people and for planning: nothing is decided by them alone.

Layer 1, pure. Tests: tests/unit/verdicts/test_estimates.py.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from buildfarm.verdicts.candidates import fits
from buildfarm.vocab.build import Requirement
from buildfarm.vocab.builder import BuilderSnapshot

#: How many earlier builds of a kind are looked at: enough that one odd build decides nothing,
#: few enough that a package which has grown is believed soon.
RECENT = 5

#: Seconds, where nothing of the kind was ever built: Launchpad's five minutes.
DEFAULT_DURATION = 300.0

#: Seconds that a build which has outlived its estimate is given, as in Launchpad.
OVERDUE_GUESS = 120.0

#: The most builds ahead that are played forward one by one; the rest counts by its mean.
MOST_SIMULATED = 1000


def estimated_duration(
    same_build: Sequence[float] = (),
    same_source: Sequence[float] = (),
    same_architecture: Sequence[float] = (),
) -> float:
    """Seconds that a build will probably take: the median of the last few of the nearest kind.

    Each argument holds the durations of successful builds, newest first: of the same source and
    architecture, of the same source elsewhere, and of anything on the architecture. The first
    kind that has any decides. Durations that are not positive (a clock was set back) are ignored.
    """
    for durations in (same_build, same_source, same_architecture):
        believable = [duration for duration in durations if duration > 0][:RECENT]
        if believable:
            return float(median(believable))
    return DEFAULT_DURATION


def remaining(estimated: float, elapsed: float) -> float:
    """Seconds that a build which runs since `elapsed` will still take; always more than 0."""
    return estimated - elapsed if elapsed < estimated else OVERDUE_GUESS


@dataclass(frozen=True, slots=True)
class Waiting:
    """A waiting build as the forecast sees it; it may not start before `delay`. Both in seconds."""

    requirement: Requirement
    estimated_duration: float
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Occupation:
    """A builder and the seconds until it can take a build: 0.0 for one that is idle."""

    builder: BuilderSnapshot
    free_in: float


def estimated_start(
    build: Waiting,
    ahead: Sequence[Waiting],
    occupations: Sequence[Occupation],
    more_ahead: int = 0,
) -> float | None:
    """Seconds until `build` will probably start; None where no dispatchable builder fits it.

    `ahead` are the builds that go first, in the order of the queue; those beyond `MOST_SIMULATED`
    and `more_ahead` further ones are taken as work of mean length that the builders which fit
    `build` share. Costs O((ahead + builders) · log builders), with `ahead` bounded.
    """
    farm = _Farm([one for one in occupations if one.builder.dispatchable])
    if not farm.fitting(build.requirement):
        return None
    simulated = ahead[:MOST_SIMULATED]
    for other in simulated:
        farm.take(other)
    start = farm.earliest(build.requirement)
    uncounted = len(ahead) - len(simulated) + more_ahead
    if uncounted and simulated:
        mean = sum(other.estimated_duration for other in simulated) / len(simulated)
        start += uncounted * mean / len(farm.fitting(build.requirement))
    return max(start, build.delay)


class _Farm:
    """When each builder becomes free, with the builders of one requirement ordered by it.

    A builder may be in the heap of several requirements. A heap's entry is brought up to date only
    when it comes to the top: times only grow, so a stale entry is never too late.
    """

    def __init__(self, occupations: Sequence[Occupation]) -> None:
        self._builders = [one.builder for one in occupations]
        self._free_at = [max(0.0, one.free_in) for one in occupations]
        self._heaps: dict[int, list[tuple[float, int]]] = {}

    def fitting(self, requirement: Requirement) -> list[tuple[float, int]]:
        """The heap of (seconds, index) of the builders that fit `requirement`."""
        heap = self._heaps.get(requirement.id)
        if heap is None:
            heap = [
                (self._free_at[index], index)
                for index, builder in enumerate(self._builders)
                if fits(builder, requirement)
            ]
            heapq.heapify(heap)
            self._heaps[requirement.id] = heap
        return heap

    def earliest(self, requirement: Requirement) -> float:
        """When the first of the builders that fit becomes free; there must be one."""
        heap = self.fitting(requirement)
        while heap[0][0] < self._free_at[heap[0][1]]:
            index = heap[0][1]
            heapq.heapreplace(heap, (self._free_at[index], index))
        return heap[0][0]

    def take(self, build: Waiting) -> None:
        """Give `build` to the first builder that fits it; without one it is in nobody's way."""
        heap = self.fitting(build.requirement)
        if not heap:
            return
        start = self.earliest(build.requirement)
        index = heap[0][1]
        self._free_at[index] = start + max(0.0, build.estimated_duration)
        heapq.heapreplace(heap, (self._free_at[index], index))
