"""The load of the benchmark `web`, on a manager with a few builders."""

import tempfile
from pathlib import Path

from bench import web
from bench.farm import Builders, Manager
from bench.web import Server
from buildfarm.farmtesting.cases import FarmTestCase


class TestWebBenchmark(FarmTestCase):
    """Without the peer, whose environment `make bench` installs."""

    timeout = 60.0

    def test_loads(self) -> None:
        """Requests are answered, viewers are let in, builds are dispatched meanwhile."""
        self.patch(web, "_SECONDS", 0.3)
        self.patch(web, "VIEWERS", 3)
        self.patch(web, "_BUILDS", 2)
        self.patch(web, "_LIST", ["/devel/builders?ws.size=2&ws.start=0"] * 2)
        with tempfile.TemporaryDirectory() as scratch:
            directory = Path(scratch)
            builders = Builders(directory, 4, seconds=0.05, size=16, prepare=4)
            self.addCleanup(builders.close)
            with Manager(directory) as manager:
                manager.add_builders(builders.urls)
                ours = Server(manager.process.pid, manager.web_port)
                self.assertTrue(ours.under(["/devel/builders/builder-1"]).rate > 0)
                _, busy = web._viewed(ours, "/+events")
                self.assertTrue(busy >= 0)
                rows = web._dispatch(manager, builders, ours)
        self.assertEqual(["ms", "ms"], [row.unit for row in rows])
