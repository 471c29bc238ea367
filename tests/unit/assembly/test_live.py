"""What people may ask of the running scanners."""

from twisted.internet.defer import Deferred

from buildfarm.assembly.live import LiveFarm
from buildfarm.farmtesting.daemonscript import Script
from buildfarm.scanning.job import Standing
from buildfarm.storage import orders
from tests.unit.scanning.cases import ScanningTestCase


class LiveTests(ScanningTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.live = LiveFarm(self.roster, self.pauses)
        self.daemon().script = lambda order: Script(seconds=100, log=b"0123456789" * 10)
        bob = self.add_builder()
        scanner = self.make_scanner(Standing(bob, None))
        self.roster._scanners[bob.id] = scanner
        self.steps = scanner.steps
        order = self.claimed(bob)
        self.build_id = order.attempt.build_id
        self.steps.take_standing(Standing(self.builder("bob"), order))
        assert self.steps.job is not None
        self.successResultOf(self.dispatcher.dispatch(self.steps.client, self.steps.job))
        self.clock.advance(50)

    def test_the_log_of_a_running_build(self) -> None:
        """As far as its builder has written it, from wherever one wants it."""
        log = self.successResultOf(self.live.fetch_log(self.build_id, 45, 100))
        self.assertEqual(b"56789", log)

    def test_a_build_that_is_on_no_builder_has_no_log_there(self) -> None:
        """It is in the file store, or nowhere yet."""
        self.assertIsNone(self.successResultOf(self.live.fetch_log(self.build_id + 1, 0, 100)))

    def test_the_log_of_one_attempt(self) -> None:
        """Of another one than is on the builder nothing is told."""
        self.assertEqual(
            [b"5", None],
            [
                self.successResultOf(self.live.fetch_log(self.build_id, 45, 1, attempt))
                for attempt in (1, 2)
            ],
        )

    def test_what_is_answered_too_late_is_dropped(self) -> None:
        """The builder may have another build by then, whose log is not for who asked."""
        daemon = self.daemon()
        daemon.hang()
        asked = Deferred.fromCoroutine(self.live.fetch_log(self.build_id, 45, 100))
        self.steps.take_standing(Standing(self.builder("bob"), None))
        daemon.wake()
        self.assertIsNone(self.successResultOf(asked))

    def test_each_who_watches_counts(self) -> None:
        """The builder is asked faster until the last of them has gone."""
        assert self.steps.job is not None
        with self.live.watching(self.build_id):
            with self.live.watching(self.build_id):
                self.assertEqual(2, self.steps.job.watchers)
            self.assertEqual(1, self.steps.job.watchers)
        self.assertEqual(0, self.steps.job.watchers)

    def test_watching_what_does_not_run_is_harmless(self) -> None:
        """It may have ended a moment ago."""
        with self.live.watching(self.build_id + 1):
            pass

    def test_a_job_that_began_meanwhile_is_not_counted_down(self) -> None:
        """Whoever watched the attempt before it counts for that one only."""
        with self.live.watching(self.build_id):
            self.steps.take_standing(Standing(self.builder("bob"), None))
            held = self.ask(orders.open_orders, "")
            self.steps.take_standing(Standing(self.builder("bob"), held[self.steps.builder.id]))
        assert self.steps.job is not None
        self.assertEqual(0, self.steps.job.watchers)

    def test_pauses_are_told(self) -> None:
        """With the time since when they hold."""
        self.pauses.pause("disk", "the disk is full")
        self.assertEqual(("the disk is full (since 2026-01-01 00:00:50 UTC)",), self.live.pauses())
