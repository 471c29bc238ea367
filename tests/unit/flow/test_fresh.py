"""An answer that several share for a moment."""

from twisted.internet.defer import Deferred

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.fresh import Fresh


class FreshTests(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.fetches: list[Deferred[int]] = []
        self.fresh = Fresh(self.clock, 1.0, self.fetch)

    async def fetch(self) -> int:
        """The answer, when the test gives one."""
        self.fetches.append(Deferred())
        return await self.fetches[-1]

    def ask(self) -> Deferred[int]:
        return Deferred.fromCoroutine(self.fresh())

    def test_kept_for_its_time(self) -> None:
        """Who asks in time gets the answer that is there; later it is fetched again."""
        first = self.ask()
        self.fetches[0].callback(1)
        self.assertEqual(1, self.successResultOf(first))
        self.clock.advance(0.9)
        self.assertEqual(1, self.successResultOf(self.ask()))
        self.clock.advance(0.1)
        second = self.ask()
        self.fetches[1].callback(2)
        self.assertEqual(2, self.successResultOf(second))

    def test_one_fetch_for_all(self) -> None:
        """All who ask before the answer comes wait for the same one."""
        asked = [self.ask() for _ in range(3)]
        self.assertEqual(1, len(self.fetches))
        self.fetches[0].callback(1)
        self.assertEqual([1, 1, 1], [self.successResultOf(one) for one in asked])

    def test_errors(self) -> None:
        """An error is everybody's who waits, and the next who asks may have more luck."""
        asked = [self.ask() for _ in range(2)]
        self.fetches[0].errback(ZeroDivisionError())
        for one in asked:
            self.failureResultOf(one, ZeroDivisionError)
        again = self.ask()
        self.fetches[1].callback(2)
        self.assertEqual(2, self.successResultOf(again))

    def test_cancelled(self) -> None:
        """A caller that goes away takes nothing from the others."""
        gone, stays = self.ask(), self.ask()
        gone.addErrback(lambda failure: None)
        gone.cancel()
        self.fetches[0].callback(1)
        self.assertEqual(1, self.successResultOf(stays))
