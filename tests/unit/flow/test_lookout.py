"""What is looked at again and again."""

from twisted.internet.defer import Deferred

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.lookout import Lookout


class LookoutTests(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.looks = 0
        self.under_way: Deferred[None] | None = None
        self.mistake: Exception | None = None
        self.lookout = Lookout(self.clock, 10.0, self.look, "the weather")
        self.addCleanup(self.lookout.stop)

    async def look(self) -> None:
        """One look, which may take its time or fail."""
        self.looks += 1
        if self.mistake is not None:
            raise self.mistake
        if self.under_way is not None:
            await self.under_way

    def test_again_and_again(self) -> None:
        """It looks at once, or after the interval, and then at each, until it is stopped."""
        self.lookout.start(now=False)
        self.assertEqual(0, self.looks)
        for _ in range(3):
            self.clock.advance(10.0)
        self.lookout.stop()
        self.clock.advance(10.0)
        self.assertEqual(3, self.looks)

    def test_one_at_a_time(self) -> None:
        """A look that takes long puts the next one off."""
        self.under_way = Deferred()
        self.lookout.start()
        self.clock.advance(30.0)
        self.assertEqual(1, self.looks)
        self.under_way.callback(None)
        self.under_way = None
        self.clock.advance(10.0)
        self.assertEqual(2, self.looks)

    def test_a_mistake_is_not_the_end(self) -> None:
        """A look that fails is logged, and the next one comes."""
        self.mistake = ZeroDivisionError()
        self.lookout.start()
        self.mistake = None
        self.clock.advance(10.0)
        self.assertEqual(2, self.looks)
        self.assertEqual(1, len(self.flush_logged_errors(ZeroDivisionError)))
