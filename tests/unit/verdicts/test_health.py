"""Whether the manager is well."""

from dataclasses import replace
from math import inf
from typing import Any

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.verdicts.health import LATE_LOOK, Vitals, judge_health

WELL = Vitals()


class JudgeTests(FarmTestCase):
    def told(self, **seen: Any) -> str:
        """What is said where this differs from a manager that is well."""
        return " ".join(judge_health(replace(WELL, **seen)).troubles)

    def test_well(self) -> None:
        """Nothing is said of a manager that is well, and short waits are nothing."""
        self.assertTrue(judge_health(WELL).ok)
        self.assertEqual("", self.told(committing_for=4.0, overdue=(3.0, LATE_LOOK), lateness=1.0))

    def test_each_trouble(self) -> None:
        """Each is a sentence of its own."""
        self.assertIn("does not answer", self.told(database_answers=False))
        self.assertIn("not where it was", self.told(database_file_is_there=False))
        self.assertIn("has taken nothing for 12 s", self.told(committing_for=12.3))
        self.assertIn("database takes nothing", self.told(database_is_paused=True))
        self.assertIn("disks do not answer", self.told(disks_answer=False))
        self.assertIn("disk of the spool", self.told(short_disks=("spool",)))
        self.assertIn("spool holds more", self.told(spool_is_full=True))
        self.assertIn("starts", self.told(started=False))
        self.assertIn("busy for 3.5 s", self.told(lateness=3.5))

    def test_scan_loops(self) -> None:
        """Those that are stuck and those that have ended are counted apart."""
        told = self.told(overdue=(61.0, 300.2, inf, 2.0))
        self.assertIn("of 1 builders have ended", told)
        self.assertIn("of 2 builders are stuck, one for 300 s", told)

    def test_all_at_once(self) -> None:
        """One trouble does not hide another."""
        self.assertEqual(
            2, len(judge_health(replace(WELL, started=False, database_answers=False)).troubles)
        )
