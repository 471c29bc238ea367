"""Fifty farms from fifty seeds, and two with thousands of builds; `make simulate` runs more.

In a module of its own: pytest-xdist spreads the seeds over the processors.
"""

from collections.abc import Callable

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.simulation.invariants import violations
from buildfarm.simulation.plan import make_plan
from buildfarm.simulation.simulation import simulate

#: Seed and number of builds.
FARMS = [(1001, 2000), (1002, 2000), *((seed, 150) for seed in range(1, 51))]


class SeedTests(FarmTestCase):
    timeout = 240.0

    def assert_everything_holds(self, seed: int, builds: int) -> None:
        """Every statement is true of this run; `make simulate SEED=…` tells more of it."""
        story = simulate(make_plan(seed, builds))
        self.flush_logged_errors()
        self.assertEqual([], list(map(str, violations(story))))
        self.assertGreater(len(story.builds), 0.7 * builds)


def _test_of(seed: int, builds: int) -> Callable[[SeedTests], None]:
    def test(self: SeedTests) -> None:
        self.assert_everything_holds(seed, builds)

    test.__doc__ = f"Everything holds in the farm of seed {seed} with {builds} builds."
    return test


for _seed, _builds in FARMS:
    setattr(SeedTests, f"test_seed_{_seed}", _test_of(_seed, _builds))
