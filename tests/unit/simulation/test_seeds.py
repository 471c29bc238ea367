"""Fifty farms from fifty seeds, and two with thousands of builds; `make simulate` runs more.

In a module of its own: pytest-xdist spreads the seeds over the processors.
"""

import subprocess
import sys
from collections.abc import Callable

from tests.unit.simulation.cases import SimulationTestCase

_RUN = """
import sys
from buildfarm.simulation.__main__ import outcome_of
outcome = outcome_of(int(sys.argv[1]), int(sys.argv[2]))
print(outcome.builds, outcome.violation)
"""

#: Seed and number of builds.
FARMS = [(1001, 2000), (1002, 2000), *((seed, 150) for seed in range(1, 51))]


class SeedTests(SimulationTestCase):
    timeout = 240.0

    def assert_everything_holds(self, seed: int, builds: int) -> None:
        """Every statement is true of this run; `make simulate SEED=…` tells more of it.

        In a process of its own, which takes along what is left of killed managers.
        """
        command = [sys.executable, "-c", _RUN, str(seed), str(builds)]
        ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=230)
        made, violation = ended.stdout.split(" ", 1)
        self.assertEqual("None", violation.strip())
        self.assertGreater(int(made), 0.7 * builds)


def _test_of(seed: int, builds: int) -> Callable[[SeedTests], None]:
    def test(self: SeedTests) -> None:
        self.assert_everything_holds(seed, builds)

    test.__doc__ = f"Everything holds in the farm of seed {seed} with {builds} builds."
    return test


for _seed, _builds in FARMS:
    setattr(SeedTests, f"test_seed_{_seed}", _test_of(_seed, _builds))
