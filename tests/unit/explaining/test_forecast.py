"""When a waiting build will probably start."""

from dataclasses import replace

from buildfarm.explaining.facts import Facts
from buildfarm.explaining.forecast import spoken, start_in
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.snapshots import a_build, a_requirement, after, an_entry
from tests.unit.explaining.cases import BUSY, IDLE, NOW


class TestStartIn(FarmTestCase):
    def test_idle(self) -> None:
        """With an idle builder and nobody ahead it starts at once."""
        self.assertEqual(0.0, start_in(IDLE, NOW))

    def test_busy(self) -> None:
        """It waits for what is left of the build that runs."""
        self.assertEqual(200.0, start_in(BUSY, NOW))

    def test_ahead(self) -> None:
        """It waits for those ahead of it, told or only counted."""
        ahead = (an_entry(build_id=5), an_entry(build_id=6))
        self.assertEqual(800.0, start_in(replace(BUSY, ahead=ahead, position=3), NOW))
        self.assertEqual(1400.0, start_in(replace(BUSY, ahead=ahead, position=5), NOW))

    def test_delayed(self) -> None:
        """It starts no earlier than it may."""
        facts = replace(IDLE, entry=an_entry(not_before=after(1000)), position=None)
        self.assertEqual(900.0, start_in(facts, NOW))
        self.assertEqual(0.0, start_in(facts, after(2000)))

    def test_nobody(self) -> None:
        """Without a builder that fits nothing can be foretold."""
        entry = an_entry(requirement=a_requirement(processor="arm64"))
        self.assertIsNone(start_in(replace(IDLE, entry=entry), NOW))

    def test_not_waiting(self) -> None:
        """What does not wait does not start."""
        self.assertIsNone(start_in(Facts(a_build()), NOW))


class TestSpoken(FarmTestCase):
    def test_units(self) -> None:
        """A time is told in one unit, as roughly as it is known."""
        told = [spoken(seconds) for seconds in (0, 59, 60, 89, 100, 3600, 7200, 90_000, 400_000)]
        self.assertEqual(
            [
                "in less than a minute",
                "in less than a minute",
                "in about 1 minute",
                "in about 1 minute",
                "in about 2 minutes",
                "in about 60 minutes",
                "in about 2 hours",
                "in about 25 hours",
                "in about 5 days",
            ],
            told,
        )
