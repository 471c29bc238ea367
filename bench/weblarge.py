"""The pages of a large farm at work, each asked for so seldom that it is made each time."""

import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.farm import Builders, Manager, wait_for
from bench.figures import Figure, percentile, told, under
from bench.restart import fill, furnish
from bench.webserver import Server
from buildfarm.statuspage.paging import SIZE
from buildfarm.statuspage.snapshots import LIFETIME

BUILDERS, WAITING = 2_000, 100_000

#: How often each page is asked for, after the first time.
TIMES = 30

#: Seconds in which all builders must have builds.
_DEADLINE = 120.0


def figures() -> list[Figure]:
    """The issue's bound is held against the 95th percentile."""
    last = f"/queue?page={-(-WAITING // SIZE)}"
    with tempfile.TemporaryDirectory(prefix="bench-web-") as scratch:
        directory = Path(scratch)
        builders = Builders(directory, BUILDERS, processes=4, seconds=3600.0)
        try:
            with Manager(directory) as manager:
                furnish(manager, directory, builders.urls)
                fill(manager.database_uri, builders.urls, WAITING + BUILDERS)
                manager.start()
                begun = lambda: len(builders.builds()) >= BUILDERS  # noqa: E731 - a condition
                wait_for(begun, _DEADLINE, "all builders have builds")
                time.sleep(2.0)
                ours = Server(manager.process.pid, manager.web_port)
                first, took = asked(ours, ["/", last, "/metrics"], TIMES)
        finally:
            builders.close()
    name = f"web: {BUILDERS:,} builders, {WAITING:,} waiting"
    return [
        *_rows(f"{name}, index page", took["/"], 100.0),
        told(f"{name}, index page, the first after the start", "ms", first["/"], None),
        *_rows(f"{name}, last page of the queue", took[last], 100.0),
        *_rows(f"{name}, /metrics", took["/metrics"], 20.0),
    ]


def asked(
    server: Server, paths: Sequence[str], times: int
) -> tuple[dict[str, float], dict[str, list[float]]]:
    """Milliseconds of the first answer for each path, and of those after it.

    They are asked for in turn, each again once what is kept of it is too old to be shown.
    """
    rate = len(paths) / (LIFETIME + 0.1)
    took = server.under(paths, (times + 1) * len(paths) / rate, rate=rate, connections=1).took
    return (
        {path: took[path][0] for path in paths},
        {path: list(took[path][1:]) for path in paths},
    )


def _rows(name: str, took: Sequence[float], bound: float) -> list[Figure]:
    return [
        told(f"{name}, median", "ms", statistics.median(took), None),
        under(f"{name}, p95", "ms", percentile(took, 0.95), None, bound),
        told(f"{name}, slowest of {len(took)}", "ms", max(took), None),
    ]
