"""What every test that runs a simulation needs."""

import gc

from buildfarm.farmtesting.cases import FarmTestCase


class SimulationTestCase(FarmTestCase):
    """A test in which managers are killed: what is left of them may complain when it is collected.

    What a manager logs while it lives is judged by the simulation itself.
    """

    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(self.collect)

    def collect(self) -> None:
        for _ in range(3):
            gc.collect()
        self.flush_logged_errors()
