"""`queue`: what a claim costs, however long the queue is and whatever else waits in it."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.figures import Figure, percentile, told, under
from bench.plans import plan, plans
from bench.queuefarm import QueueFarm
from buildfarm.explaining.facts import facts_of
from buildfarm.farmtesting.postgres import EMPTY, Cluster
from buildfarm.storage.database import Database
from buildfarm.storage.queue import queue_position

#: How many builds wait; a fifth of them, with the best scores, fit nobody.
SIZES = (1_000, 10_000, 100_000, 1_000_000)

#: Claims of one builder each that are measured at each size.
CLAIMS = 200

#: Builders that ask in one act.
TOGETHER = (100, 1_000)

#: Distinct things that the builds ask for, in the last part.
REQUIREMENTS = 5_000

#: Milliseconds in which a claim must be done.
BOUND = 2.0

#: The index and the query that come to mind first: in dispatch order, until a build fits. The sign
#: before the column keeps it from using our index.
_OBVIOUS_INDEX = "CREATE INDEX queue_obvious ON queue (state, score DESC, build_id)"
_OBVIOUS = """
    SELECT queue.build_id FROM queue
    WHERE queue.state = 'WAITING' AND +queue.requirement_id IN (
        SELECT id FROM requirement
        WHERE processor = 'amd64' AND NOT virtualized AND resources <> '["gpu"]'
    )
    ORDER BY queue.score DESC, queue.build_id LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Scale:
    """How large everything is."""

    sizes: tuple[int, ...] = SIZES
    claims: int = CLAIMS
    together: tuple[int, ...] = TOGETHER
    requirements: int = REQUIREMENTS


def figures() -> list[Figure]:
    """Milliseconds of a claim on both databases; the peer is the obvious query alone."""
    with tempfile.TemporaryDirectory(prefix="bench-queue-") as scratch:
        found = measure("SQLite", f"sqlite:///{scratch}/farm.db", Scale())
    with postgres() as uri:
        return found + measure("PostgreSQL", uri, Scale())


@contextmanager
def postgres() -> Iterator[str]:
    """A database of a PostgreSQL server of our own, which flushes its commits to disk."""
    cluster = Cluster(durable=True)
    try:
        yield cluster.uri(cluster.make_database(EMPTY))
    finally:
        cluster.close()


def measure(name: str, uri: str, scale: Scale) -> list[Figure]:
    """The figures of one database; prints how it carries out a claim."""
    database = Database(uri)
    database.init()
    with closing(database.writer()) as store:
        farm = QueueFarm(store, max(*scale.together, scale.claims))
        rows = []
        for size in scale.sizes:
            farm.grow(size)
            rows += _one_by_one(f"queue: {name}, {size:,} waiting", farm, scale)
        _show_plans(name, farm)
        return [*rows, *_at_the_largest(f"queue: {name}, {scale.sizes[-1]:,} waiting", farm, scale)]


def _one_by_one(name: str, farm: QueueFarm, scale: Scale) -> list[Figure]:
    """The claim of one builder, again and again, beside the obvious query."""
    times = [farm.claim(1) for _ in range(scale.claims)]
    farm.give_back()
    acts, committed = ([1000 * seconds for seconds in kind] for kind in zip(*times, strict=True))
    return [
        under(f"{name}, claim", "ms", median(acts), _obvious(farm.store), BOUND),
        told(f"{name}, claim, p99", "ms", percentile(acts, 0.99), None),
        told(f"{name}, claim and commit", "ms", median(committed), None),
    ]


def _obvious(store: Any) -> float:
    """Milliseconds of the obvious query, the median of five."""
    store.execute(_OBVIOUS_INDEX, noresult=True)
    times = [_timed(lambda: store.execute(_OBVIOUS).get_one()) for _ in range(5)]
    store.rollback()
    return median(times)


def _at_the_largest(name: str, farm: QueueFarm, scale: Scale) -> list[Figure]:
    """What else reads the queue, when it is longest."""
    rows = []
    for count in scale.together:
        seconds, _ = farm.claim(count)
        farm.give_back()
        label = f"{name}, claim of {count:,} at once, each"
        rows.append(told(label, "ms", 1000 * seconds / count, None))
    last = farm.last_of_all()
    rows += [
        told(f"{name}, place of the last", "ms", _read(farm, queue_position, last), None),
        told(f"{name}, facts of `why`, the last", "ms", _read(farm, facts_of, last), None),
    ]
    farm.scatter(scale.requirements)
    seconds = median(farm.claim(1)[0] for _ in range(5))
    label = f"{name}, {scale.requirements:,} requirements, claim"
    return [*rows, told(label, "ms", 1000 * seconds, None)]


def _read(farm: QueueFarm, query: Callable[[Any, int], object], build_id: int) -> float:
    """Milliseconds of a query, the median of five."""
    times = [_timed(lambda: query(farm.store, build_id)) for _ in range(5)]
    farm.store.rollback()
    return median(times)


def _timed(run: Callable[[], object]) -> float:
    begun = time.perf_counter()
    run()
    return 1000 * (time.perf_counter() - begun)


def _show_plans(name: str, farm: QueueFarm) -> None:
    print(f"How {name} reads the queue for a claim:")
    for line in plans(farm.store, lambda store: farm.claims(store, 1), "queue"):
        print(f"  {line}")
    print(f"How {name} answers the obvious query:")
    farm.store.execute(_OBVIOUS_INDEX, noresult=True)
    for line in plan(farm.store, _OBVIOUS):
        print(f"  {line}")
    farm.store.rollback()
