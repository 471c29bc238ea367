"""A notice that is given to those who wait."""

from twisted.internet.defer import CancelledError

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.notice import Notice


class NoticeTests(FarmTestCase):
    def test_all_who_wait(self) -> None:
        """Everybody hears of it once; who comes later waits for the next."""
        notice = Notice()
        first, second = notice.when_given(), notice.when_given()
        notice.give()
        later = notice.when_given()
        self.assertIsNone(self.successResultOf(first))
        self.assertIsNone(self.successResultOf(second))
        self.assertNoResult(later)
        notice.give()
        self.assertIsNone(self.successResultOf(later))

    def test_one_gives_up(self) -> None:
        """The others hear of it all the same."""
        notice = Notice()
        first, second = notice.when_given(), notice.when_given()
        first.cancel()
        notice.give()
        self.failureResultOf(first, CancelledError)
        self.assertIsNone(self.successResultOf(second))

    def test_one_has_another_give_up(self) -> None:
        """In the midst of being told."""
        notice = Notice()
        first, second = notice.when_given(), notice.when_given()
        second.addErrback(lambda _: "gave up")
        first.addCallback(lambda _: second.cancel())
        notice.give()
        self.assertEqual("gave up", self.successResultOf(second))
