"""What watches over the manager, wired: is it well, and what does it do.

Layer 6; part of `assembly.service`. Tests: tests/functional/assembly/test_health.py,
tests/functional/assembly/test_metrics.py.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from twisted.logger import Logger
from twisted.web.resource import Resource

from buildfarm.assembly.ground import Ground
from buildfarm.assembly.health import HealthCheck
from buildfarm.assembly.measures import (
    LATENESS_BOUNDS,
    Stage,
    Waiting,
    fetch_waiting,
    of_ground,
    of_scanners,
    of_stages,
)
from buildfarm.assembly.scanners import Scanners
from buildfarm.flow.fresh import Fresh
from buildfarm.flow.lateness import Lateness
from buildfarm.flow.lookout import Lookout
from buildfarm.metrics.histogram import Histogram
from buildfarm.monitoring.families import Exposition, Family
from buildfarm.monitoring.healthz import HealthResource
from buildfarm.monitoring.metrics import MetricsResource
from buildfarm.vocab.errors import FarmError

#: Seconds for which one exposition is good, and between two looks at what waits in the database.
GOOD_FOR = 1.0
BACKLOG_INTERVAL = 15.0


class Monitoring:
    """`/healthz` and `/metrics`; `health` is also for whoever tells people how the farm is."""

    log = Logger()

    def __init__(self, ground: Ground, scanners: Scanners) -> None:
        self._ground = ground
        self._waiting = Waiting()
        late = Histogram(LATENESS_BOUNDS)
        self._lateness = Lateness(ground.reactor, late.observe)
        self.health = HealthCheck(ground, scanners, self._lateness)
        #: How many requests were answered, by the first figure of the status.
        self._answered: Counter[int] = Counter()
        #: Every place in which work waits.
        self.stages: list[Stage] = []
        self._families: list[Family] = [
            *of_scanners(scanners),
            *of_stages(self.stages),
            *of_ground(ground, late, lambda: self._waiting, self._answered),
        ]
        self._look = Lookout(
            ground.reactor, BACKLOG_INTERVAL, self._look_at_backlog, "what waits in the database"
        )

    def show(self, families: Iterable[Family]) -> None:
        """Show these as well; before `start`."""
        self._families += families

    def answered(self, status: int) -> None:
        """People were answered with this status."""
        self._answered[status // 100] += 1

    def start(self) -> None:
        """All builders are scanned by now: watch the reactor, and be well."""
        self._lateness.start()
        self._look.start()
        self.health.started = True

    async def stop(self, grace: float) -> None:
        """Watch no more; `grace` is not needed."""
        self._lateness.stop()
        self._look.stop()

    def put_below(self, root: Resource) -> None:
        """Answer `/healthz` and `/metrics` below `root`."""
        put: Any = root.putChild
        put(b"healthz", HealthResource(self.health.fetch_health))
        put(b"metrics", MetricsResource(Fresh(self._ground.reactor, GOOD_FOR, self._render)))

    async def _render(self) -> bytes:
        return Exposition(self._families).render()

    async def _look_at_backlog(self) -> None:
        try:
            self._waiting = await fetch_waiting(self._ground)
        except FarmError as error:
            self.log.warn("what waits was not counted: {error}", error=error)
