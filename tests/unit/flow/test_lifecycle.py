"""Parts that start in one order and stop in the opposite one."""

from collections.abc import Callable

from twisted.internet.defer import Deferred

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.lifecycle import Sequence


class SequenceTests(FarmTestCase):
    """What is started and stopped, in which order, and for how long."""

    def setUp(self) -> None:
        super().setUp()
        self.sequence = Sequence(self.clock, within=9)
        self.story: list[str] = []

    def says(self, text: str) -> Callable[[], None]:
        return lambda: self.story.append(text)

    async def start_all(self, *names: str) -> None:
        for name in names:
            await self.sequence.start(name, self.says(f"{name} up"), self.says(f"{name} down"), 2)

    def stop(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.sequence.stop())

    def test_order(self) -> None:
        """Parts stop in the opposite order of their start, and only once."""
        self.successResultOf(self.start_all("database", "stage", "scanners"))
        self.story.clear()
        self.successResultOf(self.stop())
        self.assertEqual(["scanners down", "stage down", "database down"], self.story)
        self.successResultOf(self.stop())
        self.assertEqual(3, len(self.story))

    def test_what_was_started(self) -> None:
        """A start may be awaited; what it returns is handed on."""

        async def make() -> str:
            return "a database"

        result = self.sequence.start("database", make, self.says("down"), 1)
        self.assertEqual("a database", self.successResultOf(result))

    def test_started_elsewhere(self) -> None:
        """A part that was started already is stopped in its place."""
        self.sequence.started("lock", self.says("lock released"), 1)
        self.successResultOf(self.start_all("database"))
        self.story.clear()
        self.successResultOf(self.stop())
        self.assertEqual(["database down", "lock released"], self.story)

    def test_failing_start(self) -> None:
        """When a part cannot start, what had started is stopped, and its error comes out."""

        def fail() -> None:
            raise OSError("port in use")

        self.successResultOf(self.start_all("database", "stage"))
        self.story.clear()
        starting = self.sequence.start("web", fail, self.says("web down"), 1)
        self.failureResultOf(starting, OSError)
        self.assertEqual(["stage down", "database down"], self.story)

    def test_awaited(self) -> None:
        """A part is stopped only when the one before it has."""
        scanners: Deferred[None] = Deferred()
        self.successResultOf(self.start_all("database"))
        self.sequence.started("scanners", lambda: scanners, 2)
        stopped = self.stop()
        self.assertNotIn("database down", self.story)
        scanners.callback(None)
        self.assertIn("database down", self.story)
        self.successResultOf(stopped)
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_failing_stop(self) -> None:
        """A part that fails to stop is logged, and the others stop all the same."""

        def fail() -> None:
            raise OSError("disk")

        self.successResultOf(self.start_all("database"))
        self.sequence.started("stage", fail, 2)
        self.successResultOf(self.stop())
        self.assertEqual("database down", self.story[-1])
        self.assertEqual(1, len(self.flush_logged_errors(OSError)))

    def test_deadline(self) -> None:
        """A part that does not stop in time is cancelled, and the others stop."""
        self.successResultOf(self.start_all("database"))
        cancelled = self.says("stage cancelled")
        self.sequence.started("stage", lambda: Deferred(lambda _: cancelled()), 2)
        stopped = self.stop()
        self.clock.advance(2)
        self.successResultOf(stopped)
        self.assertEqual(["stage cancelled", "database down"], self.story[-2:])

    def test_deaf_to_cancelling(self) -> None:
        """A part that goes on when it is cancelled is left behind."""
        later: Deferred[None] = Deferred()

        async def stubborn() -> None:
            try:
                await Deferred()
            finally:
                await later

        self.sequence.started("stage", stubborn, 2)
        stopped = self.stop()
        self.clock.advance(2)
        self.successResultOf(stopped)
        later.callback(None)

    def test_all_together(self) -> None:
        """However many parts hang, stopping as a whole takes no longer than it may."""
        for number in range(10):
            self.sequence.started(f"part {number}", Deferred, 2)
        stopped = self.stop()
        for _ in range(9):
            self.assertNoResult(stopped)
            self.clock.advance(1)
        self.clock.pump([0] * 10)
        self.successResultOf(stopped)
