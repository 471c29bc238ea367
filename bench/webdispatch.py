"""Whether a build waits longer while people look on: queue → started, alone and under loads."""

import statistics
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice

from bench.farm import Builders, Manager, wait_for
from bench.figures import Figure, at_most, percentile, told
from bench.webserver import Beside, Server

#: Rounds, and how many builds are queued in each with each condition, before the next one's turn.
ROUNDS, SLICE = 10, 40

#: The same beside a load without limit, which is there for the reader.
FULL_SLICE = 12

#: Builds that are queued in a second, one after another, while most builders are idle.
RATE = 20.0

#: Requests a second of the steady load: more than Buildbot serves pages.
STEADY = 50.0

#: Seconds in which a build must be begun.
_DEADLINE = 60.0


@dataclass(frozen=True, slots=True)
class Condition:
    """What else the manager does while so many builds are queued in a round.

    `rate` is requests a second; 0 is as many as it can answer, None is none.
    """

    name: str
    builds: int
    rate: float | None
    viewers: int


def conditions(viewers: int) -> tuple[Condition, Condition, Condition]:
    """Alone, with the load that is judged, and with all that four connections can ask for."""
    return (
        Condition("alone", SLICE, None, 0),
        Condition(f"beside {STEADY:.0f} requests/s and {viewers} viewers", SLICE, STEADY, viewers),
        Condition(f"beside requests without limit, {viewers} viewers", FULL_SLICE, 0.0, viewers),
    )


def figures(
    manager: Manager, builders: Builders, ours: Server, paths: Sequence[str], viewers: int
) -> list[Figure]:
    """Rows whose peer is the same manager alone."""
    waits: dict[Condition, list[float]] = defaultdict(list)
    alone, steady, full = conditions(viewers)
    loads: dict[Condition, list[Beside]] = defaultdict(list)
    numbers = iter(range(builds()))
    for _ in range(ROUNDS):
        for condition in (alone, steady, full):
            with _beside(ours, paths, condition) as load:
                waits[condition] += _waits(manager, builders, islice(numbers, condition.builds))
            loads[condition].append(load)
    again = sum(load.again for some in loads.values() for load in some)
    return [
        *_rows(steady, waits[steady], waits[alone], loads[steady], at_most_of=1.2),
        *_rows(full, waits[full], waits[alone], loads[full]),
        told("web: queue → started, requests asked again", "", again, None),
    ]


def _rows(
    condition: Condition,
    waits: Sequence[float],
    alone: Sequence[float],
    loads: Sequence[Beside],
    at_most_of: float | None = None,
) -> list[Figure]:
    name = f"web: queue → started, {condition.name}"
    (median, worst), (alone_median, alone_worst) = (
        (percentile(some, 0.5), percentile(some, 0.99)) for some in (waits, alone)
    )
    p99 = (f"{name}, p99", "ms", worst, alone_worst)
    rate = statistics.median(load.rate for load in loads)
    return [
        told(f"{name}, median", "ms", median, alone_median),
        at_most(*p99, at_most_of) if at_most_of else told(*p99),
        told(f"{name}, answered meanwhile", "requests/s", rate, None),
    ]


def builds() -> int:
    """How many builds `figures` queues."""
    return ROUNDS * (2 * SLICE + FULL_SLICE)


@contextmanager
def _beside(ours: Server, paths: Sequence[str], condition: Condition) -> Iterator[Beside]:
    load = Beside()
    with ExitStack() as stack:
        if condition.viewers:
            stack.enter_context(ours.viewed("/+events", condition.viewers))
        if condition.rate is not None:
            load = stack.enter_context(ours.loaded(paths, condition.rate))
        time.sleep(0.3)  # the load begins, or what is left of the last one ends
        yield load


def _waits(manager: Manager, builders: Builders, numbers: Iterable[int]) -> list[float]:
    """Milliseconds from before each is submitted until it has arrived at its builder."""
    waits = []
    for number in numbers:
        begun = len(builders.builds())
        submitted = time.monotonic()
        manager.submit(number)
        wait_for(lambda begun=begun: len(builders.builds()) > begun, _DEADLINE, "it is begun")
        waits.append(1000 * (builders.builds()[-1]["began"] - submitted))
        time.sleep(max(0.0, submitted + 1 / RATE - time.monotonic()))
    return waits
