"""The loads of the benchmark `web`, on a manager with a few builders."""

import tempfile
from pathlib import Path

from bench import webdispatch, weblarge, webstream
from bench.farm import Builders, Manager
from bench.webserver import Server
from buildfarm.farmtesting.cases import FarmTestCase


class TestWebBenchmark(FarmTestCase):
    """Without the peer, whose environment `make bench` installs."""

    timeout = 60.0

    def test_loads(self) -> None:
        """Requests are answered, viewers are told of changes, builds are dispatched meanwhile."""
        self.patch(webdispatch, "ROUNDS", 1)
        self.patch(webdispatch, "SLICE", 1)
        self.patch(webdispatch, "FULL_SLICE", 1)
        self.patch(webstream, "SECONDS", 0.3)
        self.patch(webstream, "VIEWERS", 3)
        self.patch(webstream, "_CHANGED", 2)
        self.patch(webstream, "_TOLD", 1.1)
        self.patch(weblarge, "LIFETIME", 0.1)
        with tempfile.TemporaryDirectory() as scratch:
            directory = Path(scratch)
            builders = Builders(directory, 4, seconds=0.05, size=16, prepare=webdispatch.builds())
            self.addCleanup(builders.close)
            with Manager(directory) as manager:
                manager.add_builders(builders.urls)
                ours = Server(manager.process.pid, manager.web_port)
                served = ours.under(["/", "/devel/builders/builder-1"], 0.2, each=2)
                viewed = webstream.viewed(webstream.our_stream(manager, ours))
                rows = webdispatch.figures(manager, builders, ours, ["/"], 3)
                first, took = weblarge.asked(ours, ["/", "/queue?page=9"], 1)
        self.assertEqual(0, served.again)
        self.assertTrue(served.rate > 0)
        self.assertTrue(viewed.events >= 3)
        self.assertEqual(["ms", "ms", "requests/s"] * 2 + [""], [row.unit for row in rows])
        self.assertEqual(["ratio ≤ 1.2"], [row.target for row in rows if row.target])
        self.assertEqual(set(first), set(took))
