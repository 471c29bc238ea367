"""Whole runs: everything ends, and the same seed is the same run."""

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.simulation.plan import make_plan
from buildfarm.simulation.simulation import simulate


class QuietFarmTests(FarmTestCase):
    def test_a_farm_without_faults_builds_everything(self) -> None:
        """Ten builds, nothing goes wrong: all of them end."""
        story = simulate(make_plan(seed=1, builds=10, kinds=frozenset()))
        self.assertTrue(story.ended)
