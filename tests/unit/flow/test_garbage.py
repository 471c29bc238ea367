"""The collector of cycles of a process that lives long."""

import subprocess
import sys

from buildfarm.farmtesting.cases import FarmTestCase

PROGRAM = """
import gc
from buildfarm.flow.garbage import expect_long_life
expect_long_life()
print(gc.get_freeze_count() > 1000, *gc.get_threshold())
"""


class TestGarbage(FarmTestCase):
    def test_what_is_there_stays(self) -> None:
        """What is imported is not looked at again, and what is new seldom."""
        program = [sys.executable, "-c", PROGRAM]
        told = subprocess.run(program, check=True, capture_output=True, text=True).stdout
        self.assertEqual("True 10000 10 10\n", told)
