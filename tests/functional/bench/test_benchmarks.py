"""The benchmarks of large and long loads run, at sizes at which their figures mean nothing."""

from bench import gather, soak, stall
from bench.figures import Figure
from bench.lateness import Lateness
from buildfarm.farmtesting.cases import FarmTestCase

KIB = 1024


class TestBenchmarks(FarmTestCase):
    """Each with the manager as it is installed."""

    timeout = 120.0

    def small(self, benchmark: object, **sizes: float) -> None:
        for name, size in sizes.items():
            self.patch(benchmark, name, size)

    def names(self, figures: list[Figure]) -> list[str]:
        return [figure.name.partition(":")[0] for figure in figures]

    def test_stall(self) -> None:
        """Uploads block, resets run and results are gathered while the probe ticks."""
        self.small(stall, UPLOADS=2, RESETS=2, GATHERS=4, ROUNDS=1, RESULT_SIZE=256 * KIB)
        self.small(stall, _BUILD=0.5)
        ours, floor = stall._ours()
        for measured in (ours, floor):
            self.assertGreaterEqual(measured.largest, measured.p999)
            self.assertGreaterEqual(measured.p999, measured.median)
        rows = stall.rows(ours, floor, Lateness(1.0, 1.0, 1.0, 1.0))
        self.assertEqual({"stall"}, set(self.names(rows)))

    def test_gather(self) -> None:
        """Manager and curl take turns with the same builders."""
        self.small(gather, BUILDERS=4, ROUNDS=2, RESULT_SIZE=256 * KIB, _BUILD=0.5)
        self.assertEqual(["gather", "gather"], self.names(gather.figures()))

    def test_soak(self) -> None:
        """Builds come in and are published, and what grows is seen."""
        self.small(soak, BUILDERS=4, SECONDS=5.0, _BUILD=0.5, _SAMPLE=0.25, _WAITING=4)
        rows = {figure.name: figure for figure in soak.figures()}
        acts = rows["soak: write acts per build"].ours
        self.assertTrue(4 <= acts <= 6, acts)
