"""The benchmark `restart`, at a small size."""

from bench.restart import measure
from buildfarm.farmtesting.cases import FarmTestCase


class TestRestartBenchmark(FarmTestCase):
    def test_half_building(self) -> None:
        """Those that are idle get builds, those that build are left alone."""
        restart = measure(builders=8, building=4, waiting=40)
        self.assertEqual(0, restart.disturbed)
        self.assertTrue(0 < restart.first <= restart.last)
