"""How clean a builder is, and what verdicts say of it."""

from buildfarm.storage import events, roster
from buildfarm.vocab.builder import BuilderSnapshot
from buildfarm.vocab.errors import StaleState
from buildfarm.vocab.settlement import BuilderSettlement, Settlement
from buildfarm.vocab.states import CleanStatus
from tests.unit.storage.cases import StorageTestCase

CLEAN, DIRTY, CLEANING = CleanStatus.CLEAN, CleanStatus.DIRTY, CleanStatus.CLEANING


class TestCleanStatus(StorageTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.bob = self.add_builder(clean=False)

    def become(
        self, expected: CleanStatus, new: CleanStatus, reason: str = "why", **kwargs: str
    ) -> BuilderSnapshot:
        """Record a clean status."""
        return self.act(
            roster.set_clean_status,
            self.epoch,
            self.bob.id,
            expected,
            new,
            reason,
            self.now(),
            **kwargs,
        )

    def test_a_reset(self) -> None:
        """A dirty builder is cleaned; since when it is what it is, and why, is recorded."""
        self.pass_time(10)
        self.become(DIRTY, CLEANING, "its reset begins")
        self.pass_time(10)
        clean = self.become(CLEANING, CLEAN, "it was reset", reset_output="ok\n", version="254")
        self.assertEqual(clean, self.builder("bob"))
        self.assertEqual(
            (CLEAN, self.now(), "ok\n", "254"),
            (
                clean.clean_status,
                clean.date_clean_status_changed,
                clean.reset_output,
                clean.version,
            ),
        )
        told = [
            (event.before, event.after, event.reason)
            for event in self.ask(events.events_of_builder, self.bob.id)
        ]
        self.assertEqual(
            [("DIRTY", "CLEANING", "its reset begins"), ("CLEANING", "CLEAN", "it was reset")],
            told[1:],
        )

    def test_only_the_output(self) -> None:
        """What a reset printed can be recorded without a change of status, and not its time."""
        since = self.now()
        self.pass_time(10)
        after = self.become(DIRTY, DIRTY, "the reset failed", reset_output="no such VM")
        self.assertEqual(
            (DIRTY, since, "no such VM"),
            (after.clean_status, after.date_clean_status_changed, after.reset_output),
        )
        last = self.ask(events.events_of_builder, self.bob.id)[-1]
        self.assertEqual((None, None, "the reset failed"), (last.before, last.after, last.reason))

    def test_what_is_not_said_stays(self) -> None:
        """Output and version stay as they are when nothing new is known."""
        self.become(DIRTY, CLEANING, reset_output="ok", version="254")
        after = self.become(CLEANING, CLEAN)
        self.assertEqual(("ok", "254"), (after.reset_output, after.version))

    def test_moved_on(self) -> None:
        """A builder that is something else by now is left alone."""
        self.assertRaises(StaleState, self.become, CLEANING, CLEAN)
        self.assertIs(DIRTY, self.builder("bob").clean_status)

    def test_forbidden(self) -> None:
        """A clean builder is distrusted before it is reset."""
        self.become(DIRTY, CLEAN)
        error = self.assertRaises(StaleState, self.become, CLEAN, CLEANING)
        self.assertIn("does not follow", str(error))

    def test_unknown(self) -> None:
        """A builder that never was is a stale one."""
        self.bob = self.builder("bob")
        self.assertRaises(StaleState, self.ask, roster.builder, 99)


class TestVerdicts(StorageTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.bob = self.add_builder()

    def test_failed(self) -> None:
        """A builder is taken out: dirty, not ok, with the notes that say why."""
        verdict = BuilderSettlement(self.bob.id, 5, DIRTY, builderok=False, failnotes="it lies")
        settled = self.settle(Settlement("it lied five times", verdict))
        assert settled is not None
        self.assertEqual(settled, self.builder("bob"))
        self.assertEqual(
            (5, DIRTY, False, "it lies"),
            (settled.failure_count, settled.clean_status, settled.builderok, settled.failnotes),
        )
        self.assertFalse(settled.dispatchable)
        last = self.ask(events.events_of_builder, self.bob.id)[-1]
        self.assertEqual(
            ("CLEAN", "DIRTY", "it lied five times"), (last.before, last.after, last.reason)
        )

    def test_counted(self) -> None:
        """A failure that only counts leaves everything else as it is, and is told."""
        settled = self.settle(Settlement("no answer", BuilderSettlement(self.bob.id, 1)))
        assert settled is not None
        self.assertEqual((1, CLEAN, True), _standing(settled))
        last = self.ask(events.events_of_builder, self.bob.id)[-1]
        self.assertEqual("no answer", last.reason)

    def test_nothing_about_a_builder(self) -> None:
        """A verdict about nobody answers no builder."""
        self.assertIsNone(self.settle(Settlement("the network was away")))


def _standing(builder: BuilderSnapshot) -> tuple[int, CleanStatus, bool]:
    return builder.failure_count, builder.clean_status, builder.builderok
