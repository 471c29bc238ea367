"""Whole runs: everything ends, the same seed is the same run, and seeds that have found something.

Many seeds are run by tests/unit/simulation/test_seeds.py, more by `make simulate`.
"""

import os
import subprocess
import sys

from buildfarm.simulation.invariants import violations
from buildfarm.simulation.plan import make_plan
from buildfarm.simulation.simulation import simulate
from buildfarm.vocab.states import BuildState
from tests.unit.simulation.cases import SimulationTestCase

_PRINT_DIGEST = """
from buildfarm.simulation.plan import make_plan
from buildfarm.simulation.simulation import simulate
print(simulate(make_plan(seed=7, builds=60)).digest())
"""


class QuietFarmTests(SimulationTestCase):
    def test_a_farm_without_faults_ends_every_build_as_its_package_does(self) -> None:
        """Nothing goes wrong, so nothing but packages fails."""
        plan = make_plan(seed=1, builds=30, kinds=frozenset())
        story = simulate(plan)
        self.assertEqual([], violations(story))
        built = [build for build in story.builds if build.state is BuildState.FULLYBUILT]
        self.assertGreater(len(built), 15)
        delivered = sum(len(deliveries) for deliveries in story.deliveries.values())
        self.assertEqual(len(built), delivered)


class DeterminismTests(SimulationTestCase):
    def test_the_same_seed_is_the_same_run(self) -> None:
        """Byte for byte, in processes that hash differently."""
        digests = {self.digest_in_a_process(hash_seed) for hash_seed in ("1", "2")}
        self.assertEqual(1, len(digests), digests)

    def test_another_seed_is_another_run(self) -> None:
        """Chance comes from the seed."""
        digests = {simulate(make_plan(seed, builds=20)).digest() for seed in (1, 2)}
        self.assertEqual(2, len(digests))

    def digest_in_a_process(self, hash_seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        command = [sys.executable, "-c", _PRINT_DIGEST]
        ended = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True, timeout=120
        )
        return ended.stdout.strip()
