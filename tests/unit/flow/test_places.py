"""Places that nobody keeps for long."""

from twisted.internet.defer import Deferred

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.places import Place, Places


class PlacesTests(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.places = Places(self.clock, 2, 30.0)

    def acquire(self) -> Deferred[Place]:
        return Deferred.fromCoroutine(self.places.acquire())

    def test_as_many_as_there_are(self) -> None:
        """Who comes later waits until a place is released."""
        first, second, third = (self.acquire() for _ in range(3))
        self.successResultOf(second)
        self.assertNoResult(third)
        self.successResultOf(first).release()
        self.successResultOf(third).release()

    def test_nobody_keeps_a_place(self) -> None:
        """After its time the next is served, in order, whether or not the work has ended."""
        held = [self.acquire() for _ in range(2)]
        waiting = [self.acquire() for _ in range(3)]
        self.clock.advance(29)
        self.assertNoResult(waiting[0])
        self.clock.advance(2)
        for place in waiting[:2]:
            self.successResultOf(place)
        self.assertNoResult(waiting[2])
        # The end of work whose time was up frees nothing once more.
        for place in held:
            self.successResultOf(place).release()
        self.assertNoResult(waiting[2])

    def test_nothing_is_left(self) -> None:
        """A place that was released has no timer."""
        self.successResultOf(self.acquire()).release()
        self.assertEqual([], self.clock.getDelayedCalls())
