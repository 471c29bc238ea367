"""`latency`: how long a build waits that could begin, as its builder sees it."""

import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench.farm import Builders, Manager, wait_for
from bench.figures import Figure, percentile, told, under
from bench.peers.buildbot.run import run

BUILDERS = 8

#: Builds queued one by one on an idle farm, and builds of the backlog.
ALONE = 30
BACKLOG = 64

#: Seconds that a build takes. In the backlog two builds a second begin: nobody is near his limits.
SHORT = 0.2
LONG = 4.0

RESULT_SIZE = 64 * 1024

_DEADLINE = 120.0


def figures() -> list[Figure]:
    """Queue → started and finish → next started; median and 99th percentile."""
    peer_alone = [1000 * wait for wait in run("idle", BUILDERS, ALONE).waits]
    peer_backlog = [1000 * wait for wait in run("backlog", BUILDERS, BACKLOG, LONG).waits]
    return [
        *_rows("latency: queue → started", _alone(), peer_alone, 50.0),
        *_rows("latency: finish → next started", _backlog(), peer_backlog, 150.0),
    ]


def _rows(name: str, ours: list[float], peer: list[float], bound: float) -> list[Figure]:
    """Milliseconds, ours and the peer's; the median is what is to be reached."""
    (median, worst), (peer_median, peer_worst) = (
        (percentile(waits, 0.5), percentile(waits, 0.99)) for waits in (ours, peer)
    )
    return [
        under(f"{name}, median", "ms", median, peer_median, bound),
        told(f"{name}, p99", "ms", worst, peer_worst),
    ]


def _alone() -> list[float]:
    """From before each build is submitted until `build` arrives at its builder."""
    waits = []
    with tempfile.TemporaryDirectory(prefix="bench-latency-") as scratch:
        directory = Path(scratch)
        builders = Builders(directory, BUILDERS, seconds=SHORT, size=RESULT_SIZE, prepare=ALONE)
        try:
            with Manager(directory) as manager:
                manager.add_builders(builders.urls)
                for number in range(ALONE):
                    time.sleep(0.3)
                    submitted = time.monotonic()
                    manager.submit(number)
                    _wait_for_published(manager, number + 1)
                    waits.append(builders.builds()[-1]["began"] - submitted)
        finally:
            builders.close()
    return [1000 * wait for wait in waits]


def _backlog() -> list[float]:
    """From the moment at which a build really ends until the next `build` arrives there."""
    with tempfile.TemporaryDirectory(prefix="bench-latency-") as scratch:
        directory = Path(scratch)
        total = BUILDERS + BACKLOG
        builders = Builders(directory, BUILDERS, seconds=LONG, size=RESULT_SIZE, prepare=total)
        try:
            with Manager(directory) as manager:
                manager.add_builders(builders.urls)
                # The first of them give the farm a history, which estimates are made from.
                for number in range(BUILDERS):
                    manager.submit(number)
                _wait_for_published(manager, BUILDERS)
                for number in range(BUILDERS, total):
                    manager.submit(number)
                _wait_for_published(manager, total)
                builds = builders.builds()[BUILDERS:]
        finally:
            builders.close()
    return [1000 * wait for wait in _gaps(builds)]


def _gaps(builds: list[dict[str, Any]]) -> list[float]:
    """Seconds between the end of a build and the beginning of the next on the same builder."""
    of_builder: dict[int, list[dict[str, Any]]] = {}
    for build in builds:
        of_builder.setdefault(build["builder"], []).append(build)
    return [
        after["began"] - before["ends"]
        for mine in of_builder.values()
        for before, after in pairwise(mine)
    ]


def _wait_for_published(manager: Manager, count: int) -> None:
    wait_for(lambda: manager.published() == count, _DEADLINE, f"{count} published")
