"""Pauses of dispatch: why, since when, and what happens when the last reason goes."""

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.scanning.pauses import Pauses


class PausesTests(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.resumed: list[float] = []
        self.pauses = Pauses(self.utc_now)
        self.pauses.when_resumed = lambda: self.resumed.append(self.clock.seconds())

    def test_dispatch_is_paused_while_there_is_a_reason(self) -> None:
        """Each subject is a reason of its own; dispatch goes on when the last is withdrawn."""
        self.assertFalse(self.pauses)
        self.pauses.pause("disk", "the disk is full")
        self.pauses.pause("database", "the database is away")
        self.pauses.resume("disk")
        self.assertTrue(self.pauses)
        self.assertEqual([], self.resumed)
        self.clock.advance(5)
        self.pauses.resume("database")
        self.assertFalse(self.pauses)
        self.assertEqual([5.0], self.resumed)

    def test_a_reason_says_since_when_it_holds(self) -> None:
        """Repeating a reason brings it up to date without forgetting when it began."""
        self.pauses.pause("disk", "100 bytes are left")
        self.clock.advance(60)
        self.pauses.pause("disk", "10 bytes are left")
        self.assertEqual(
            ("10 bytes are left (since 2026-01-01 00:00:00 UTC)",), self.pauses.reasons()
        )

    def test_reasons_are_told_oldest_first(self) -> None:
        """The first thing that went wrong is likely the cause of the rest."""
        self.pauses.pause("disk", "b")
        self.clock.advance(1)
        self.pauses.pause("database", "a")
        self.assertEqual(["b", "a"], [reason.split(" ")[0] for reason in self.pauses.reasons()])

    def test_a_note_is_told_and_pauses_nothing(self) -> None:
        """What people should know is not always a reason to stop."""
        self.pauses.note("network", "builders are unreachable")
        self.assertFalse(self.pauses)
        self.assertEqual(1, len(self.pauses.reasons()))
        self.pauses.resume("network")
        self.assertEqual((), self.pauses.reasons())
        self.assertEqual([], self.resumed)
