"""What watches over the manager, wired: is it well, and what does it do.

Layer 6; part of `assembly.service`. Tests: tests/functional/assembly/test_health.py.
"""

from dataclasses import dataclass
from typing import Any

from twisted.web.resource import Resource

from buildfarm.assembly.ground import Ground
from buildfarm.assembly.health import HealthCheck
from buildfarm.assembly.scanners import Scanners
from buildfarm.flow.lateness import Lateness
from buildfarm.monitoring.healthz import HealthResource


@dataclass(frozen=True, slots=True)
class Monitoring:
    """`health` is for whoever tells people how the farm is."""

    health: HealthCheck
    lateness: Lateness

    def start(self) -> None:
        """All builders are scanned by now: watch the reactor, and be well."""
        self.lateness.start()
        self.health.started = True

    async def stop(self, grace: float) -> None:
        """Watch no more; `grace` is not needed."""
        self.lateness.stop()

    def put_below(self, root: Resource) -> None:
        """Answer `/healthz` below `root`."""
        put: Any = root.putChild
        put(b"healthz", HealthResource(self.health.fetch_health))


def wire_monitoring(ground: Ground, scanners: Scanners) -> Monitoring:
    """Nothing of it runs yet."""
    lateness = Lateness(ground.reactor, lambda seconds: None)
    return Monitoring(HealthCheck(ground, scanners, lateness), lateness)
