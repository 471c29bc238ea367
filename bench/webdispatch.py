"""Whether a build waits longer while people look on: queue → started, alone and under loads."""

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from bench.farm import Builders, Manager, wait_for
from bench.figures import Figure, at_most, percentile, told
from bench.webserver import Server

#: Builds in each condition, and how many of them are queued before it is the next one's turn.
BUILDS, SLICE = 400, 40

#: Builds that are queued in a second, one after another, while most builders are idle.
RATE = 12.0

#: Requests a second of the steady load: more than Buildbot serves pages.
STEADY = 50.0

#: Seconds in which a build must be begun.
_DEADLINE = 60.0


@dataclass(frozen=True, slots=True)
class Condition:
    """What else the manager does: `rate` requests a second (0: as many as it can; None: none)."""

    name: str
    rate: float | None
    viewers: int


def conditions(viewers: int) -> tuple[Condition, Condition, Condition]:
    """Alone, with the load that is judged, and with all that four connections can ask for."""
    return (
        Condition("alone", None, 0),
        Condition(f"beside {STEADY:.0f} requests/s and {viewers} viewers", STEADY, viewers),
        Condition(f"beside requests without limit and {viewers} viewers", 0.0, viewers),
    )


def figures(
    manager: Manager, builders: Builders, ours: Server, paths: Sequence[str], viewers: int
) -> list[Figure]:
    """Rows whose peer is the same manager alone."""
    waits: dict[Condition, list[float]] = defaultdict(list)
    number = 0
    alone, steady, full = conditions(viewers)
    for _ in range(-(-BUILDS // SLICE)):
        for condition in (alone, steady, full):
            with _beside(ours, paths, condition):
                waits[condition] += _waits(manager, builders, range(number, number + SLICE))
            number += SLICE
    rows = []
    for condition in (steady, full):
        name = f"web: queue → started, {condition.name}"
        (median, worst), (alone_median, alone_worst) = (
            (percentile(waits[one], 0.5), percentile(waits[one], 0.99))
            for one in (condition, alone)
        )
        rows.append(told(f"{name}, median", "ms", median, alone_median))
        if condition is steady:
            rows.append(at_most(f"{name}, p99", "ms", worst, alone_worst, 1.2))
        else:
            rows.append(told(f"{name}, p99", "ms", worst, alone_worst))
    return rows


def builds() -> int:
    """How many builds `figures` queues."""
    return 3 * SLICE * -(-BUILDS // SLICE)


@contextmanager
def _beside(ours: Server, paths: Sequence[str], condition: Condition) -> Iterator[None]:
    with ExitStack() as stack:
        if condition.viewers:
            stack.enter_context(ours.viewed("/+events", condition.viewers))
        if condition.rate is not None:
            stack.enter_context(ours.loaded(paths, condition.rate))
        time.sleep(0.3)  # the load begins, or what is left of the last one ends
        yield


def _waits(manager: Manager, builders: Builders, numbers: Sequence[int]) -> list[float]:
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
