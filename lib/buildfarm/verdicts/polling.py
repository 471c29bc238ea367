"""When a builder is asked again: planned from what is expected, never by one fixed clock.

Layer 1, pure. Tests: tests/unit/verdicts/test_polling.py.

A build that is about to end, or due, is asked often. Otherwise it is asked again after a quarter
of the time that it still needs or that it has taken so far, whichever is less: so a build that
fails early (most that fail do), or that has never been built and whose estimate is a guess, is
noticed within a quarter of its own duration, and a long one costs a few dozen questions in all,
most of them `longest` apart.

Asking costs the builder little and us some CPU, so two bounds hold. The builder's: at most 10
questions a second while its build is about to end or due, 2 otherwise (launchpad-buildd answers
`status` in 1 to 3 ms, so that is at most 3% of one of its cores). Ours: all scans together
use at most `cpu_share` of one core. Half of that share belongs to the urgent builders, whose builds
are about to end, and half to all others, so that neither crowd can starve the other; within a half
everyone waits the same, since a builder asked late costs more the closer its build is to its end.
"""

from dataclasses import dataclass

#: Seconds between questions that spare the builder: 10 a second, and 2 a second.
SHORTEST_URGENT = 0.1
SHORTEST = 0.5

#: A build is urgent from this part of its expected duration, or these seconds, before its end …
NEAR_PART = 0.05
NEAR_SECONDS = 2.0

#: … until it is overdue by this part of its expected duration, or these seconds.
OVERDUE_PART = 0.5
OVERDUE_SECONDS = 30.0

#: The part of the time passed, and of the time left, that goes by before the next question to a
#: build that is far from its end.
PATIENCE = 0.25

#: Seconds before the second try after a failure; doubled with each further one.
FIRST_RETRY = 1.0


@dataclass(frozen=True, slots=True)
class FarmLoad:
    """What scanning the farm costs: `urgent` of `builders` are asked often.

    `scan_cost` is measured, in seconds of CPU; `cpu_share` the part of one core for all scans.
    """

    builders: int
    urgent: int
    scan_cost: float
    cpu_share: float

    def shortest(self, urgent: bool) -> float:
        """The interval at which all builders of this kind use half of the share."""
        crowd = self.urgent if urgent else self.builders - self.urgent
        return max(crowd, 1) * self.scan_cost / (self.cpu_share / 2)


def is_urgent(elapsed: float, estimated: float, watched: bool) -> bool:
    """Whether a build is about to end, due, or looked at; all in seconds."""
    remaining = estimated - elapsed
    near = max(NEAR_PART * estimated, NEAR_SECONDS)
    overdue = max(OVERDUE_PART * estimated, OVERDUE_SECONDS)
    return watched or -overdue <= remaining <= near


def while_building(
    elapsed: float, estimated: float, watched: bool, longest: float, load: FarmLoad
) -> float:
    """Seconds until the next question to a builder that builds.

    `longest` is the idle interval, which no builder exceeds unless the share of CPU demands it.
    """
    remaining = estimated - elapsed
    if is_urgent(elapsed, estimated, watched):
        near_end = not watched or is_urgent(elapsed, estimated, watched=False)
        bound = SHORTEST_URGENT if near_end else SHORTEST
        return max(bound, load.shortest(urgent=True))
    # Where it is long overdue, `remaining` is what it is late by: the estimate is worth nothing.
    interval = min(PATIENCE * abs(remaining), PATIENCE * elapsed, longest)
    return max(interval, SHORTEST, load.shortest(urgent=False))


def while_ending(load: FarmLoad) -> float:
    """Seconds until the next question to a builder that aborts: it is due."""
    return max(SHORTEST_URGENT, load.shortest(urgent=True))


def while_idle(longest: float, load: FarmLoad) -> float:
    """Seconds until the next look at a builder with nothing to do; work arriving wakes it."""
    return max(longest, load.shortest(urgent=False))


def while_failing(failures_in_row: int, longest: float, load: FarmLoad) -> float:
    """Seconds until the next try after `failures_in_row` failed cycles, from 1."""
    delay = min(FIRST_RETRY * 2.0 ** min(failures_in_row - 1, 16), longest)
    return max(delay, SHORTEST, load.shortest(urgent=False))
